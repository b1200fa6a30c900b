"""Runs the AWS emulator (ministack) on a loopback port, with what it lacks, and says when it can be used.

    emulator.py --port PREFERRED --status FILE

The port is PREFERRED if that is free, else any. FILE appears when the emulator has shown that it works:
{"port": N}, or {"error": "..."} and this program ends.
"""

import argparse
import asyncio
import contextvars
import http.client
import json
import logging
import os
import resource
import socket
import sys
import threading
import time

READY_SECONDS = 60


def listen(preferred):
    """A socket that is bound here and handed to the server, so that no other process can take its port in between."""
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind(("127.0.0.1", preferred))
        listener.listen(128)
    except OSError:
        listener.close()
        listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        listener.bind(("127.0.0.1", 0))
        listener.listen(128)
    return listener


def carry_version_ids():
    """S3 on AWS names the object's version in its event; the emulator knows it where the event starts, but drops it."""
    from ministack.services import eventbridge, s3

    version = contextvars.ContextVar("version", default=None)
    fire, dispatch = s3._fire_s3_event, eventbridge._dispatch_event

    def fire_s3_event(*args, **kwargs):
        token = version.set(kwargs.get("version_id"))
        try:
            return fire(*args, **kwargs)
        finally:
            version.reset(token)

    def dispatch_event(event, *args, **kwargs):
        if event.get("Source") == "aws.s3" and version.get():
            detail = json.loads(event["Detail"])
            detail["object"]["version-id"] = version.get()
            event = {**event, "Detail": json.dumps(detail)}
        return dispatch(event, *args, **kwargs)

    s3._fire_s3_event, eventbridge._dispatch_event = fire_s3_event, dispatch_event


class Client:
    """Just enough of AWS's protocols, signed, for the self-test."""

    def __init__(self, port):
        from botocore.auth import S3SigV4Auth, SigV4Auth
        from botocore.credentials import Credentials

        credentials = Credentials("test", "test")
        self.port = port
        self.signers = {
            "s3": S3SigV4Auth(credentials, "s3", "us-east-1"),
            "sqs": SigV4Auth(credentials, "sqs", "us-east-1"),
            "events": SigV4Auth(credentials, "events", "us-east-1"),
        }

    def send(self, service, method, path, headers=None, body=""):
        from botocore.awsrequest import AWSRequest

        host = f"127.0.0.1:{self.port}"
        request = AWSRequest(method, f"http://{host}{path}", {"Host": host, **(headers or {})}, body.encode())
        self.signers[service].add_auth(request)
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=10)
        try:
            connection.request(method, path, body.encode(), dict(request.headers.items()))
            answer = connection.getresponse()
            text = answer.read().decode()
        finally:
            connection.close()
        if answer.status >= 300:
            raise RuntimeError(f"{method} {path}: {answer.status} {text}")
        return answer.headers, text

    def call(self, service, operation, **parameters):
        prefix = {"sqs": "AmazonSQS", "events": "AWSEvents"}[service]
        headers = {"Content-Type": "application/x-amz-json-1.0", "X-Amz-Target": f"{prefix}.{operation}"}
        return json.loads(self.send(service, "POST", "/", headers, json.dumps(parameters))[1] or "{}")


def self_test(client):
    """An object put to a versioned bucket must arrive as an event that names its version."""
    bucket = "/belay-self-test"
    client.send("s3", "PUT", bucket)
    versioning = "<VersioningConfiguration><Status>Enabled</Status></VersioningConfiguration>"
    client.send("s3", "PUT", f"{bucket}?versioning", body=versioning)
    notification = "<NotificationConfiguration><EventBridgeConfiguration/></NotificationConfiguration>"
    client.send("s3", "PUT", f"{bucket}?notification", body=notification)
    queue = client.call("sqs", "CreateQueue", QueueName="belay-self-test")["QueueUrl"]
    attributes = client.call("sqs", "GetQueueAttributes", QueueUrl=queue, AttributeNames=["QueueArn"])
    client.call("events", "PutRule", Name="belay-self-test", EventPattern=json.dumps({"source": ["aws.s3"]}))
    target = {"Id": "queue", "Arn": attributes["Attributes"]["QueueArn"]}
    client.call("events", "PutTargets", Rule="belay-self-test", Targets=[target])

    version = client.send("s3", "PUT", f"{bucket}/object", body="x")[0]["x-amz-version-id"]
    messages = client.call("sqs", "ReceiveMessage", QueueUrl=queue, WaitTimeSeconds=5).get("Messages", [])
    seen = [json.loads(message["Body"])["detail"]["object"].get("version-id") for message in messages]
    if seen != [version]:
        raise RuntimeError(f"an object's version {version} should be in its event; the events had {seen}")


def wait_until_ready(client):
    deadline = time.monotonic() + READY_SECONDS
    while True:
        try:
            return client.send("s3", "GET", "/_ministack/ready")
        except (OSError, RuntimeError):
            if time.monotonic() > deadline:
                raise
            time.sleep(0.02)


def prove(port, status):
    """Tells, in the file `status`, whether the emulator works. What the self-test made is gone before that."""
    try:
        client = Client(port)
        wait_until_ready(client)
        self_test(client)
        client.send("s3", "POST", "/_ministack/reset")
        result = {"port": port}
    except Exception as error:  # whatever it is, the owner must be told
        result = {"error": f"{type(error).__name__}: {error}"}
    with open(f"{status}.new", "w", encoding="utf-8") as file:
        json.dump(result, file)
    os.rename(f"{status}.new", status)
    if "error" in result:
        os._exit(1)


def serve(listener):
    from hypercorn.asyncio import serve as hypercorn
    from hypercorn.config import Config
    from ministack.app import app

    config = Config()
    config.bind = [f"fd://{listener.fileno()}"]
    config.keep_alive_timeout = 75
    config.loglevel = os.environ.get("LOG_LEVEL", "INFO")
    # A trigger that never comes: SIGTERM ends the process at once, as nothing here is worth saving.
    asyncio.run(hypercorn(app, config, shutdown_trigger=asyncio.Event().wait))


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--status", required=True)
    options = parser.parse_args()

    listener = listen(options.port)
    port = listener.getsockname()[1]
    # Read by the emulator when it is imported, and handed on to the functions that it runs.
    os.environ["GATEWAY_PORT"] = str(port)
    os.environ["AWS_ENDPOINT_URL"] = f"http://127.0.0.1:{port}"
    logging.basicConfig(stream=sys.stderr, level=os.environ.get("LOG_LEVEL", "INFO"))
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft < hard:
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))

    carry_version_ids()
    threading.Thread(target=prove, args=(port, options.status), daemon=True).start()
    serve(listener)


main()
