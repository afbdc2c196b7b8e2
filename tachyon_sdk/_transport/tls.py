"""The TLS context of a configuration, shared by its connections."""

from __future__ import annotations

import os
import ssl

from urllib3.util import create_urllib3_context

from tachyon_sdk.configuration import Configuration
from tachyon_sdk.exceptions import ApiValueError


def tls_context(configuration: Configuration) -> ssl.SSLContext:
    """Make a context. It takes about 30 ms to read the system's certificates.

    Raises:
        ApiValueError: A certificate, a key, or the file for TLS secrets cannot be used. The message names the setting.
    """
    verify = configuration.verify_ssl
    try:
        context = create_urllib3_context(cert_reqs=ssl.CERT_REQUIRED if verify else ssl.CERT_NONE)
    except OSError as error:
        if "SSLKEYLOGFILE" not in os.environ or isinstance(error, ssl.SSLError):
            raise
        raise _unusable("SSLKEYLOGFILE of the environment", error) from error
    if not verify:
        pass
    elif configuration.ssl_ca_cert is None and configuration.ca_cert_data is None:
        context.load_default_certs()
    else:
        if configuration.ssl_ca_cert is not None:
            try:
                context.load_verify_locations(cafile=configuration.ssl_ca_cert)
            except OSError as error:
                raise _unusable("ssl_ca_cert", error) from error
        if configuration.ca_cert_data is not None:
            try:
                context.load_verify_locations(cadata=configuration.ca_cert_data)
            except (OSError, ValueError) as error:
                raise _unusable("ca_cert_data", error) from error
    if configuration.cert_file is not None:
        try:
            context.load_cert_chain(configuration.cert_file, configuration.key_file, password=_no_password)
        except (OSError, ValueError) as error:
            raise _unusable("cert_file, or key_file,", error) from error
    return context


def _no_password() -> str:
    # Without this callback, OpenSSL prompts in the terminal.
    raise ValueError("the key is encrypted")


def _unusable(setting: str, error: Exception) -> ApiValueError:
    reason = getattr(error, "strerror", None) or str(error)
    return ApiValueError(f"{setting} cannot be used: {reason}")
