"""A customer with boto3: reads calls from standard input, one JSON object a line, and answers each with one line.

usage: customer.py ENDPOINT key|assume

A call is {"account", "region", "service", "call", "args"}; the answer {"ok": …} or {"error": CODE, "message": …}.
How a caller gets an account's credentials depends on the emulator: cloudsim reads the account from the access
key (key), moto wants a role of the account to be assumed (assume).
"""

import functools
import json
import sys

import boto3
from botocore.config import Config
from botocore.exceptions import ClientError

endpoint, way = sys.argv[1:]
# One try per call: a refusal is what many tests are after.
config = Config(retries={"total_max_attempts": 1}, connect_timeout=5, read_timeout=10)


def session(key, secret="secret", token=None):
    return boto3.Session(aws_access_key_id=key, aws_secret_access_key=secret, aws_session_token=token)


@functools.cache
def session_of(account):
    if way == "key":
        return session(f"AKIA{account}SIM0")
    sts = session("customer").client("sts", region_name="us-east-1", endpoint_url=endpoint, config=config)
    role = sts.assume_role(RoleArn=f"arn:aws:iam::{account}:role/customer", RoleSessionName="customer")
    given = role["Credentials"]
    return session(given["AccessKeyId"], given["SecretAccessKey"], given["SessionToken"])


@functools.cache
def client(account, region, service):
    return session_of(account).client(service, region_name=region, endpoint_url=endpoint, config=config)


def answer(call):
    try:
        api = client(call["account"], call["region"], call.get("service", "ec2"))
        return {"ok": getattr(api, call["call"])(**call["args"])}
    except ClientError as error:
        return {"error": error.response["Error"]["Code"], "message": error.response["Error"]["Message"]}


for line in sys.stdin:
    print(json.dumps(answer(json.loads(line)), default=str), flush=True)
