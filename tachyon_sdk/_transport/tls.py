"""The TLS settings of a configuration, as a context that connections share."""

from __future__ import annotations

import ssl

from urllib3.util.ssl_ import create_urllib3_context

from tachyon_sdk.configuration import Configuration
from tachyon_sdk.exceptions import ApiValueError


def tls_context(configuration: Configuration) -> ssl.SSLContext:
    """What connections to the server are made with. It takes long to make: 30 ms where the system's CAs are read.

    Raises:
        ApiValueError: A certificate or a key cannot be used; the message names the setting.
    """
    verify = configuration.verify_ssl
    context = create_urllib3_context(cert_reqs=ssl.CERT_REQUIRED if verify else ssl.CERT_NONE)
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
    # Without this, OpenSSL asks for it in the terminal.
    raise ValueError("the key is encrypted")


def _unusable(setting: str, error: Exception) -> ApiValueError:
    reason = getattr(error, "strerror", None) or str(error)
    return ApiValueError(f"{setting} cannot be used: {reason}")
