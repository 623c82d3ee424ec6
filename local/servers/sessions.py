"""Completes the emulator's sessions of roles (AUTH=true).

- The claims of a web identity's token are condition keys of its whole session.
- /v2/credentials/<instance profile> returns credentials of the profile's role, as the
  metadata service of an instance does."""

import contextvars
import time

from ministack import app
from ministack.core import iam_evaluator
from ministack.core.responses import get_account_id
from ministack.services import iam, imds, sts

claims = contextvars.ContextVar("claims", default={})


def web_identity(token, provider, role):
    principal, keys = emulators_web_identity(token, provider, role)
    claims.set(keys)
    return principal, keys


def register_session(access_key, session):
    emulators_register_session(access_key, {**session, "Claims": claims.get()})


def principal_keys(credential):
    session = sts._sessions.get(credential.access_key_id) or {}
    return {**emulators_principal_keys(credential), **session.get("Claims", {})}


CREDENTIALS = "/v2/credentials/"
INSTANCE = "i-0123456789abcdef0"


async def metadata(method, path, headers, body, query):
    if not path.startswith(CREDENTIALS):
        return await emulators_metadata(method, path, headers, body, query)
    profile = iam._instance_profiles.get(path.removeprefix(CREDENTIALS))
    if profile is None or not profile["Roles"]:
        return imds._not_found()
    role = profile["Roles"][0]
    answer = {**imds._ecs_task_credentials_doc(), "RoleArn": f"arn:aws:iam::{get_account_id()}:role/{role}"}
    sts.register_session(answer["AccessKeyId"], {
        "Arn": f"arn:aws:sts::{get_account_id()}:assumed-role/{role}/{INSTANCE}", "UserId": f"{role}:{INSTANCE}",
        "SecretAccessKey": answer["SecretAccessKey"], "SessionToken": answer["Token"], "Expiration": time.time() + 3600,
        "AccountId": get_account_id(), "PrincipalType": "AssumedRole",
    })
    return imds._json_resp(answer)


def authenticate_only(service, *request):
    # An instance gets its credentials without any.
    return None if service == "imds" else emulators_authenticate_only(service, *request)


def pin_request_origin(*origin):
    claims.set({})
    emulators_pin_request_origin(*origin)


emulators_web_identity = sts._web_identity_principal
sts._web_identity_principal = web_identity
emulators_register_session = sts.register_session
sts.register_session = register_session
emulators_principal_keys = iam_evaluator._principal_keys
iam_evaluator._principal_keys = principal_keys
emulators_metadata = imds.handle_request
imds.handle_request = metadata
emulators_authenticate_only = app._authenticate_only
app._authenticate_only = authenticate_only
emulators_pin_request_origin = app.pin_request_origin
app.pin_request_origin = pin_request_origin
