// Long names may break where a word in them begins.
function letNamesBreak() {
    const names = "h1, .sidebar-tree a, .toc-tree a, .toc-tree strong, .toc-tree .pre, .related-pages .title";
    const wordBegins = /(?<=[a-z])(?=[A-Z])|(?<=[_.])/;
    for (const element of document.querySelectorAll(names)) {
        for (const text of [...element.childNodes].filter((node) => node.nodeType === Node.TEXT_NODE)) {
            const words = text.data.split(wordBegins);
            text.replaceWith(...words.flatMap((word) => [word, document.createElement("wbr")]).slice(0, -1));
        }
    }
}

// A button on each block of code that copies it.
function addCopyButtons() {
    for (const block of document.querySelectorAll("div.highlight")) {
        const button = document.createElement("button");
        button.type = "button";
        button.className = "copy";
        button.textContent = "Copy";
        button.addEventListener("click", async () => {
            await navigator.clipboard.writeText(block.querySelector("pre").textContent);
            button.textContent = "Copied";
            setTimeout(() => { button.textContent = "Copy"; }, 2000);
        });
        block.append(button);
    }
}

document.addEventListener("DOMContentLoaded", () => {
    letNamesBreak();
    if (navigator.clipboard) {  // not for pages that come over plain HTTP from another machine
        addCopyButtons();
    }
});
