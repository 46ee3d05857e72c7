"""Why a call ended without a value, in words for the one who wrote it."""

from __future__ import annotations

import re

from symbreak.grade.subject import Outcome

Explanation = tuple[str, str]  # why, hint

_STOPS: dict[str, Explanation] = {
    "time": ("The call did not end within its time limit.", "Is there a loop whose condition never becomes false?"),
    "memory": (
        "The call asked for more memory than it may have; --memory says how much that is.",
        "How large is each array that you make?",
    ),
    "output": ("The call printed more than it may.", "Is there a print inside a loop?"),
    "exit": (
        "The call ended Python itself, or a library did for want of memory or of threads.",
        "A function gives back its answer by return; exit() ends everything. Large libraries may need more than the"
        " code is given: --memory, --processes.",
    ),
    "protocol": ("The process that runs the code broke off.", "Does the code touch files or processes?"),
}

# The first pattern that is found in the error's text tells the cause. Most special first.
_ERRORS: tuple[tuple[str, str, str], ...] = (
    (
        r"^NotImplementedError",
        "The function is still the stub: it raises NotImplementedError on purpose.",
        "Replace the line that raises by your own code.",
    ),
    (
        r"'tuple' object cannot be interpreted as an integer",
        "np.random.randn takes the sizes one by one, unlike np.zeros, which takes one tuple: a tuple inside randn's"
        " parentheses counts as its first size. The lesson's own figure has this slip.",
        "Count the pairs of parentheses behind randn.",
    ),
    (
        r"^PermissionError: \[Errno 1\]",
        "The function asked the system for what graded code may not have: processes, other programs, a network.",
        "Its answer must be made of its arguments alone. Which line starts or calls something outside of Python?",
    ),
    (
        r"^(FileNotFoundError|PermissionError|IsADirectoryError)",
        "The function reads a file, and wherever it is run for others that file is missing. Its answer must be made of"
        " its arguments alone.",
        "Which line opens or loads something? What should it be computed from instead?",
    ),
    (
        r"^(NameError|UnboundLocalError)",
        "The function uses a name that exists neither in it nor in the file: a variable that once lived in a notebook"
        " is not there when somebody else calls the function.",
        "Restart and run all. Everything that the function needs comes in by its arguments.",
    ),
    (
        r"^ModuleNotFoundError|^ImportError",
        "A package that the code imports is not there.",
        "NumPy is enough for this week.",
    ),
    (
        r"not aligned|operands could not be broadcast|mismatch in its core dimension|cannot reshape|non-broadcastable",
        "Two arrays met whose sizes do not fit. With other sizes the same line may work by accident, which is worse:"
        " `*` multiplies entry by entry, and a matrix product needs inner sizes that are equal.",
        "Write the shapes beside each product. Which of them is a matrix product?",
    ),
    (
        r"^TypeError.*(positional argument|keyword argument|required)",
        "The function could not be called with the arguments that the course gives it.",
        "Compare the line with def to the one in the assignment: names, order, number.",
    ),
    (
        r"^KeyError",
        "The function looks for an entry that is not in the dict.",
        "The keys are W1 b1 W2 b2, Z1 A1 Z2 A2.",
    ),
    (
        r"^(IndexError|AxisError)",
        "The function takes for granted a size that the data need not have.",
        "shape[0] counts rows, shape[1] columns; columns are examples.",
    ),
    (r"^RecursionError", "The function calls itself without end.", "Which call is meant for another function?"),
    (
        r"^AssertionError",
        "An assert in the code does not hold for these sizes.",
        "Is it the assert that is wrong, or what it guards?",
    ),
)
# The same for a file that could not be loaded.
_LOADING: tuple[tuple[str, str, str], ...] = (
    (
        r"^(SyntaxError|IndentationError|TabError)",
        "Python cannot read the file, and so none of its functions exists.",
        "Look at the line that is named, and at the one above it: is every bracket closed, every block indented?",
    ),
    (
        r"loading in time|^SystemExit|^the process ended|too much",
        "The file does something at its top level that does not come to an end, or ends Python. Functions are defined"
        " only where the lines above them have run.",
        "What does the file do apart from defining functions? (A large library may need more memory or threads than the"
        " code is given: --memory, --processes.)",
    ),
    (
        r"^ModuleNotFoundError|^ImportError",
        "A package or file that the code imports is not there, and nothing below that line was run.",
        "NumPy is enough for this week. Which import could the code do without? Modules that the assignment hands out"
        " are named by the grader: files = [...] in --hidden CONFIG.",
    ),
    (
        r"^EOFError",
        "The file asks for input at its top level, and nobody is there to answer.",
        "What a function needs comes in by its arguments. Which line calls input()?",
    ),
    (
        r"^(NameError|AttributeError)",
        "A line outside of all functions uses a name that is not there, and Python goes no further.",
        "Is the name spelled as where it was made? Is its import above it, and not in a cell that raised?",
    ),
)
_LOADED_WITH_ERROR = (
    "The file raises an error when it is run from top to bottom, and so its functions are not all defined.",
    "Restart, run all, and read the last line of the error.",
)
_OTHER = (
    "The call raised an error.",
    "Call the function with these sizes yourself and read the last line of the error.",
)


def outcome_text(outcome: Outcome) -> str:
    """Return what happened, in short: "NameError: name 'n' is not defined"."""
    if outcome.stopped:
        return f"stopped: {outcome.stopped}"
    return _shortened(outcome.error) or "None"


def explain(outcome: Outcome) -> Explanation:
    """Return cause and hint for a call that came to nothing.

    >>> explain(Outcome(error="NotImplementedError: "))[0]
    'The function is still the stub: it raises NotImplementedError on purpose.'
    """
    if outcome.stopped:
        return _STOPS[outcome.stopped]
    if not outcome.error:
        return ("The function returns nothing.", "What does its last line do with the result?")
    return _first(_ERRORS, outcome.error) or _OTHER


def explain_loading(problem: str) -> Explanation:
    """Return cause and hint for code that could not be loaded.

    >>> explain_loading("SyntaxError: '(' was never closed (submission.py, line 1)")[0]
    'Python cannot read the file, and so none of its functions exists.'
    """
    return _first(_LOADING, problem) or _LOADED_WITH_ERROR


def _first(table: tuple[tuple[str, str, str], ...], error: str) -> Explanation | None:
    return next(((why, hint) for pattern, why, hint in table if re.search(pattern, error)), None)


def _shortened(error: str, most: int = 200) -> str:
    line = " ".join(error.split())
    return line if len(line) <= most else f"{line[:most]}..."
