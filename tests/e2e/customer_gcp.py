"""A customer with Google's client: reads calls from standard input, one JSON object a line, answers each with one line.

usage: customer_gcp.py ENDPOINT KEY_FILE…

A call is {"as", "service", "call", "request"}, where "as" is the project of the service account that calls; the answer
{"ok": …} or {"error": REASON, "message": …}. An operation is waited for; the answer is then its last state.
"""

import functools
import json
import sys
import time
from pathlib import Path

from google.api_core.exceptions import GoogleAPICallError
from google.cloud import compute_v1
from google.oauth2.service_account import Credentials

endpoint, *files = sys.argv[1:]


class Refused(Exception):
    def __init__(self, reason, message):
        super().__init__(message)
        self.answer = {"error": reason, "message": message}


@functools.cache
def credentials(project):
    keys = (json.loads(Path(file).read_text()) for file in files)
    return next(Credentials.from_service_account_info(key) for key in keys if key["project_id"] == project)


@functools.cache
def client(project, service):
    kind = getattr(compute_v1, service.title().replace("_", "") + "Client")
    return kind(credentials=credentials(project), client_options={"api_endpoint": endpoint})


def plain(message):
    return type(message).to_dict(message, use_integers_for_enums=False)


def waited_for(caller, project, operation):
    """The operation once it is done. The client's own futures ask Google itself, whatever endpoint they were given."""
    while operation.status != compute_v1.Operation.Status.DONE:
        time.sleep(0.05)
        if operation.region:
            where, more = "region_operations", {"region": operation.region.rsplit("/", 1)[-1]}
        else:
            where, more = "global_operations", {}
        request = {"project": project, "operation": operation.name} | more
        operation = client(caller, where).get(request, retry=None)
    for error in operation.error.errors:
        raise Refused(error.code, error.message)
    return plain(operation)


def result(call):
    caller, request = call["as"], call["request"]
    api = client(caller, call["service"])
    changes = getattr(api, call["call"] + "_unary", None)
    if changes:
        return waited_for(caller, request["project"], changes(request, retry=None))
    found = getattr(api, call["call"])(request, retry=None)
    return [plain(one) for one in found] if hasattr(found, "pages") else plain(found)


def answer(call):
    try:
        return {"ok": result(call)}
    except GoogleAPICallError as error:
        reasons = [detail["reason"] for detail in error.errors if "reason" in detail]
        return {"error": (reasons or [str(error.code)])[0], "message": error.message}
    except Refused as refused:
        return refused.answer


for line in sys.stdin:
    print(json.dumps(answer(json.loads(line))), flush=True)
