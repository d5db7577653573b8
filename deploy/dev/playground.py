"""The suite in one process beside the simulated clouds, on loopback: what `dev` and `demo` start."""

import json
import os
import subprocess
import urllib.request

from processes import ROOT, TARGET, Failed, Process, listens

# cloudsim reads the account from the key. These open nothing anywhere else.
VENDOR_ACCOUNT = "111122223333"
CUSTOMER_ACCOUNT = "444455556666"
REGIONS = ["eu-west-1", "us-east-1"]
# These exist in cloudsim only, each with a service account whose key lies beside the data.
VENDOR_PROJECT = "peerway-vendor"
CUSTOMER_PROJECT = "acme-prod"
GCP_REGIONS = ["europe-west1", "us-east1"]
OWN_FILE = os.O_WRONLY | os.O_CREAT | os.O_TRUNC


def credentials(account):
    return {"AWS_ACCESS_KEY_ID": f"AKIA{account}SIM0", "AWS_SECRET_ACCESS_KEY": "sim"}


def key_file(data, project):
    return data / f"{project}.json"


# ---- settings of standalone -------------------------------------------------------------------------------
def settings(ports, data):
    text = json.dumps  # TOML's strings and arrays of strings are written like JSON's
    return f"""\
# Written by `make dev` and `make demo` at each start: changes made here are lost.

[network.server]
listen = "127.0.0.1:{ports["network"]}"

[network.database]
url = {text(f"sqlite://{data}/network.db")}

[peering.server]
listen = "127.0.0.1:{ports["peering"]}"

[peering.database]
url = {text(f"sqlite://{data}/peering.db")}

[provider_adapter.server]
listen = "127.0.0.1:{ports["provider_adapter"]}"

[[provider_adapter.aws.accounts]]
account_id = "{VENDOR_ACCOUNT}"
regions = {text(REGIONS)}
endpoint_url = "http://127.0.0.1:{ports["cloudsim"]}"

[[provider_adapter.gcp.projects]]
project_id = "{VENDOR_PROJECT}"
regions = {text(GCP_REGIONS)}
endpoint = "http://127.0.0.1:{ports["cloudsim"]}"
key_file = {text(str(key_file(data, VENDOR_PROJECT)))}
"""


# -----------------------------------------------------------------------------------------------------------


def build():
    # The whole workspace, though two programs would do: a choice of packages changes the features of what they
    # share, and tests and this would then compile it in turns.
    if subprocess.call(["cargo", "build", "--workspace", "--bins", "--locked"], cwd=ROOT) != 0:
        raise Failed("the build failed")


class Playground:
    """Runs on `ports` (cloudsim, network, peering, provider_adapter) and keeps everything under `data`."""

    def __init__(self, ports, data):
        self.ports, self.data = ports, data.absolute()
        self.processes = []

    def address(self, name):
        return f"http://127.0.0.1:{self.ports[name]}"

    def __enter__(self):
        taken = [str(port) for port in self.ports.values() if listens(port)]
        if taken:
            raise Failed(f"in use on 127.0.0.1: port {', '.join(taken)}")
        config = self.data / "standalone.toml"
        config.write_text(settings(self.ports, self.data))
        programs = TARGET / "debug"
        clouds = [programs / "cloudsim", "--listen", f"127.0.0.1:{self.ports['cloudsim']}"]
        clouds += ["--state", self.data / "cloudsim.json"]
        suite = [programs / "standalone", "--config", config]
        try:
            self.start("cloudsim", clouds, "cloudsim")
            for project in (VENDOR_PROJECT, CUSTOMER_PROJECT):
                self.make_project(project)
            self.start("standalone", suite, "network", "peering", "provider_adapter")
        except BaseException:
            self.__exit__()
            raise
        return self

    def start(self, name, argv, *listeners):
        environment = os.environ | credentials(VENDOR_ACCOUNT) | {"NO_PROXY": "127.0.0.1"}
        process = Process(name, argv, self.data / f"{name}.log", env=environment, cwd=ROOT)
        self.processes.append(process)
        process.wait_until(lambda: all(listens(self.ports[each]) for each in listeners))

    def make_project(self, project):
        """A project in cloudsim, and a key file of a service account that may do everything in it."""
        wanted = json.dumps({"name": "peerway", "permissions": ["compute.*"]}).encode()
        url = f"{self.address('cloudsim')}/_sim/gcp/projects/{project}/serviceAccounts"
        request = urllib.request.Request(url, wanted, {"Content-Type": "application/json"})
        # Not by a proxy that the environment may name.
        direct = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        file = key_file(self.data, project)
        with direct.open(request, timeout=30) as key, open(os.open(file, OWN_FILE, 0o600), "wb") as out:
            out.write(key.read())

    def __exit__(self, *_):
        # The suite first: it may be in the middle of a call to the clouds.
        for process in reversed(self.processes):
            process.stop()
