"""Turns a parser's many-line report into one sentence."""

import re
from collections.abc import Sequence

REMEDY = "see --help for what is accepted"
_NOISE = re.compile(
    "^(Does not validate|Subtypes:|Errors:|Given value|Parser key|Problem with given class_path|"
    "[Ee]xpected a <class .NoneType)"
)


def one_sentence(message: str) -> str:
    """The field, the value and the reason of what jsonargparse says.

    Args:
        message: the report, or a sentence that was made of one already.
    """
    if message.endswith(f"{REMEDY}."):
        return message
    lines = [line.strip(" -") for line in message.splitlines() if line.strip(" -")]
    fields = [match.group(1) for line in lines for match in re.finditer(r'[Pp]arser key "([^"]+)"', line)]
    reason = next((line for line in lines if not _NOISE.match(line)), lines[-1])
    reason = re.sub(r"Expected an? <class '([^']+)'>", r"expected \1", reason).rstrip(".")
    reason = reason.removesuffix(f"; {REMEDY}")
    value = next((line.partition(":")[2].strip() for line in lines if line.startswith("Given value:")), "")
    nested = re.match(r"NestedArg\(key='([^']*)', val=(.*)\)", value)
    if nested:
        fields.append(nested.group(1))
        value = nested.group(2)
    if value == "None" and "NoneType" in message:
        # jsonargparse 4.53 makes a text of a null that is for one field of a nested block.
        block, _, field = where_of(fields).rpartition(".")
        if block.partition(".")[0] in ("data", "trainer"):
            return f"{where_of(fields)}: None is written null; {REMEDY}."
        return (
            f"{where_of(fields)}: null is read with its block alone, whose other fields stay as they are: "
            f"--model.{block or 'BLOCK'} '{{{field}: null}}'; {REMEDY}."
        )
    given = "" if not value or value.strip("'\"") in reason or len(value) > 80 else f" (given: {value})"
    where = where_of(fields)
    return f"{where + ': ' if where else ''}{reason}{given}; {REMEDY}."


def where_of(fields: Sequence[str]) -> str:
    """One dotted name of the nested ones that a report names, each part once."""
    return ".".join(dict.fromkeys(part for field in fields for part in field.split(".")))


def cause_of(error: BaseException, kind: type[BaseException]) -> BaseException | None:
    """The first exception of a kind in the chain of causes: parsers wrap what constructors raise."""
    seen: BaseException | None = error
    while seen is not None and not isinstance(seen, kind):
        seen = seen.__cause__ or seen.__context__
    return seen
