"""Many calls: threads, a shared rate limit, and a journal that survives interruptions.

::

    report = bulk.run(chat.chat_completion, "questions.jsonl", "answers.jsonl", request={"model": "large"})
    for result in bulk.each(chat.chat_completion, ["What is an ebb?", "What is a tide?"]):
        print(result.key, result.text)
"""

from tachyon_sdk._lazy import lazy_names

TYPE_CHECKING = not __name__  # False, but type checkers take it for True

if TYPE_CHECKING:
    from tachyon_sdk.bulk.flow import Adaptive as Adaptive, Pace as Pace
    from tachyon_sdk.bulk.journal import BulkError as BulkError, Report as Report, status as status
    from tachyon_sdk.bulk.merge import merge as merge
    from tachyon_sdk.bulk.results import Result as Result
    from tachyon_sdk.bulk.runner import (
        Budget as Budget,
        each as each,
        retry_failed as retry_failed,
        run as run,
    )

_MODULES = {
    "Adaptive": "flow",
    "BulkError": "journal",
    "Budget": "runner",
    "Pace": "flow",
    "Report": "journal",
    "Result": "results",
    "each": "runner",
    "merge": "merge",
    "retry_failed": "runner",
    "run": "runner",
    "status": "journal",
}

if not TYPE_CHECKING:
    __getattr__, __dir__ = lazy_names(globals(), _MODULES)

__all__ = [
    "Adaptive",
    "Budget",
    "BulkError",
    "Pace",
    "Report",
    "Result",
    "each",
    "merge",
    "retry_failed",
    "run",
    "status",
]

del TYPE_CHECKING, lazy_names
