"""Turns a parser's report into one sentence."""

import re


def one_sentence(message: str) -> str:
    """The field, the value and the reason of a parser's many-line message.

    Args:
        message: what jsonargparse says.
    """
    lines = [line.strip(" -") for line in message.splitlines() if line.strip(" -")]
    fields = [m.group(1) for line in lines for m in [re.search(r'[Pp]arser key "([^"]+)"', line)] if m]
    noise = re.compile(
        r'^(Does not validate|Subtypes:|Errors:|Given value|Expected a <class .NoneType|Parser key|Problem with given class_path)'
    )
    reasons = [line for line in lines if not noise.match(line)]
    reason = reasons[0] if reasons else lines[-1]
    value = next((line.partition(":")[2].strip() for line in lines if line.startswith("Given value:")), "")
    where = ".".join(dict.fromkeys(fields))
    reason = re.sub(r"<class '([^']+)'>", r"\1", reason).rstrip(".")
    nested = re.match(r"NestedArg\(key='([^']*)', val=(.*)\)", value)
    if nested:
        where, value = f"{where}.{nested.group(1)}" if fields[-1:] != [nested.group(1)] else where, nested.group(2)
    stated = f" (given: {value})" if value and value.strip("'") not in reason else ""
    remedy = "see --help for what is accepted"
    return f"{where + ': ' if where else ''}{reason}{stated}; {remedy}."
