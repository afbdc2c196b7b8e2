// Mark where long names may break: before each word in them.
function markBreaks() {
    const names = "h1, .sidebar-tree a, .toc-tree a, .toc-tree strong, .toc-tree .pre, .related-pages .title";
    const wordBegins = /(?<=[a-z])(?=[A-Z])|(?<=[_.])/;
    for (const element of document.querySelectorAll(names)) {
        for (const text of [...element.childNodes].filter((node) => node.nodeType === Node.TEXT_NODE)) {
            const words = text.data.split(wordBegins);
            text.replaceWith(...words.flatMap((word) => [word, document.createElement("wbr")]).slice(0, -1));
        }
    }
}

// Label the cells of tables with the headings of their columns, for narrow screens.
function labelCells() {
    for (const table of document.querySelectorAll("table.docutils")) {
        const labels = [...table.querySelectorAll("thead th")].map((heading) => heading.textContent.trim());
        for (const cell of table.querySelectorAll("tbody td")) {
            const label = labels[cell.cellIndex];
            if (!cell.textContent.trim()) {
                cell.classList.add("empty");
            } else if (cell.cellIndex > 0 && labels.length > 2 && label) {
                cell.dataset.label = label;
            }
        }
    }
}

document.addEventListener("DOMContentLoaded", () => {
    markBreaks();
    labelCells();
});
