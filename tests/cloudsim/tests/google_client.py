"""Google's own Python client against cloudsim: two halves of a peering, and the errors on the way.

usage: google_client.py ENDPOINT KEY_FILE PROJECT WAY

WAY is `key` (a JWT the account signs itself), `default` (the same with the file that GOOGLE_APPLICATION_CREDENTIALS
names), `exchange` (a token from the key file's token_uri) or the e-mail address of an account to act as. Prints what it
saw as one JSON object.
"""

import json
import sys

import google.auth
from google.api_core import exceptions
from google.auth import impersonated_credentials
from google.cloud import compute_v1
from google.cloud.compute_v1.services.networks.transports import NetworksRestTransport
from google.oauth2 import service_account

SCOPES = ["https://www.googleapis.com/auth/compute"]


def credentials(endpoint, key_file, way):
    if way == "default":
        return google.auth.default(scopes=SCOPES)[0]
    own = service_account.Credentials.from_service_account_file(key_file, scopes=SCOPES)
    if way in ("key", "exchange"):
        return own
    url = f"{endpoint}/v1/projects/-/serviceAccounts/{way}:generateAccessToken"
    return impersonated_credentials.Credentials(own, way, SCOPES, iam_endpoint_override=url)


def client(endpoint, key_file, way):
    made = credentials(endpoint, key_file, way)
    # A client asks for self-signed JWTs; a transport of one's own does not.
    transport = NetworksRestTransport(host=endpoint, credentials=made, always_use_jwt_access=way != "exchange")
    # What waits for operations has a client of its own, which the library would point at Google.
    transport._extended_operations_services["global_operations"] = compute_v1.GlobalOperationsClient(
        credentials=transport._credentials, client_options={"api_endpoint": endpoint}
    )
    return compute_v1.NetworksClient(transport=transport)


def main(endpoint, key_file, project, way):
    networks = client(endpoint, key_file, way)
    seen = {}
    for name in ("one", "two"):
        wanted = compute_v1.Network(name=name, auto_create_subnetworks=False)
        operation = networks.insert(project=project, network_resource=wanted)
        operation.result(timeout=60)
        seen["insert"] = operation.status.name
    for name, peer in (("one", "two"), ("two", "one")):
        half = compute_v1.NetworkPeering(
            name="half", network=f"projects/{project}/global/networks/{peer}", exchange_subnet_routes=True
        )
        body = compute_v1.NetworksAddPeeringRequest(network_peering=half)
        operation = networks.add_peering(
            project=project, network=name, networks_add_peering_request_resource=body
        )
        operation.result(timeout=60)
        seen["addPeering"] = operation.status.name
    seen["states"] = {
        network.name: [peering.state for peering in network.peerings]
        for network in networks.list(project=project)
    }
    try:
        networks.get(project=project, network="none")
    except exceptions.NotFound as error:
        seen["missing"] = error.errors[0]["reason"]
    print(json.dumps(seen))


main(*sys.argv[1:])
