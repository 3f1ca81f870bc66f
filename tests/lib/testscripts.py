"""Runs FHIR TestScripts of one kind: testscripts.py BASE FOLDER

Knows what the SMART scripts of mock.health use, and refuses a script that uses anything else: operations that get an address
relative to BASE (or, with `pathFromRoot`, to its origin), and assertions about status, media type and body of the answer.
One line for each script; exit code 1 when one fails or is refused.
"""
import json
import pathlib
import re
import sys
import urllib.error
import urllib.parse
import urllib.request

OPERATION = {"type", "encodeRequestUrl", "params", "pathFromRoot", "requestHeader"}
ASSERTION = {"label", "operator", "responseCode", "responseBody", "contentType", "warningOnly"}


class Unknown(Exception):
    """A script asks for what is not known here."""


def ask(base, operation):
    if not set(operation) <= OPERATION or operation["type"]["code"] not in ("search", "capabilities"):
        raise Unknown(f"operation {sorted(operation)} {operation['type']['code']}")
    path = "/metadata" if operation["type"]["code"] == "capabilities" else operation["params"]
    origin = "{0.scheme}://{0.netloc}".format(urllib.parse.urlsplit(base))
    url = (origin if operation.get("pathFromRoot") else base) + path
    headers = {header["field"]: header["value"] for header in operation.get("requestHeader", [])}
    try:
        with urllib.request.urlopen(urllib.request.Request(url, headers=headers), timeout=30) as answer:
            return answer.status, answer.headers.get_content_type(), answer.read().decode()
    except urllib.error.HTTPError as refused:
        return refused.code, refused.headers.get_content_type(), refused.read().decode()


def holds(assertion, answer):
    if not set(assertion) <= ASSERTION:
        raise Unknown(f"assertion {sorted(assertion)}")
    status, media, body = answer
    operator = assertion["operator"]
    if operator == "equals" and "responseCode" in assertion:
        return str(status) == assertion["responseCode"]
    if operator == "contains" and "responseBody" in assertion:
        return assertion["responseBody"] in body
    if operator == "matchesRegex" and "responseBody" in assertion:
        return re.search(assertion["responseBody"], body) is not None
    if operator == "matchesMimeClass" and assertion.get("contentType") == "json":
        return media == "application/json" or (media.startswith("application/") and media.endswith("+json"))
    raise Unknown(f"operator {operator}")


def run(base, script):
    answer = None
    for action in (action for test in script["test"] for action in test["action"]):
        if "operation" in action:
            answer = ask(base, action["operation"])
        elif not holds(action["assert"], answer):
            return f"failed: {action['assert']['label']}"
    return "passed"


base, folder = sys.argv[1].rstrip("/"), pathlib.Path(sys.argv[2])
scripts = sorted(folder.rglob("*.json"))
bad = 0 if scripts else 1
for path in scripts:
    script = json.loads(path.read_text())
    if set(script) & {"setup", "teardown", "fixture", "variable"}:
        outcome = "refused: setup, fixtures or variables"
    else:
        try:
            outcome = run(base, script)
        except Unknown as unknown:
            outcome = f"refused: {unknown}"
    bad += outcome != "passed"
    print(f"{path.relative_to(folder)}: {outcome}")
sys.exit(1 if bad else 0)
