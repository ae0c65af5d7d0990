"""AES-256-GCM (NIST SP 800-38D) by the libcrypto that Python's own hashlib is linked with: what is root's brings no library."""

import ctypes
import importlib
from typing import Final

from shared.errors import Code, Fault

KEY: Final = 32
NONCE: Final = 12
TAG: Final = 16
_GET_TAG, _SET_TAG = 0x10, 0x11  # openssl/evp.h


def encrypt(key: bytes, nonce: bytes, plain: bytes, owner: bytes) -> bytes:
    """The ciphertext, then its tag; `owner` is authenticated with it. Raises Fault INTERNAL, FAILED without a libcrypto."""
    tag = ctypes.create_string_buffer(TAG)
    sealed = _run("Encrypt", (key, nonce), plain, owner, tag)
    if sealed is None:
        raise Fault(Code.INTERNAL, "libcrypto does not encrypt")
    return sealed + tag.raw


def decrypt(key: bytes, nonce: bytes, sealed: bytes, owner: bytes) -> bytes | None:
    """What `encrypt` was given; None unless all of it is as it was."""
    if len(sealed) < TAG:
        return None
    return _run("Decrypt", (key, nonce), sealed[:-TAG], owner, ctypes.create_string_buffer(sealed[-TAG:], TAG))


def _run(way: str, secret: tuple[bytes, bytes], data: bytes, owner: bytes, tag: "ctypes.Array[ctypes.c_char]") -> bytes | None:
    """EVP_EncryptInit(3) to its end. None when any step fails; of `Decrypt` the last one compares the tag."""
    key, nonce = secret
    crypto = _libcrypto()
    init, update, final = (getattr(crypto, f"EVP_{way}{step}") for step in ("Init_ex", "Update", "Final_ex"))
    context = ctypes.c_void_p(crypto.EVP_CIPHER_CTX_new())
    cipher = ctypes.c_void_p(crypto.EVP_aes_256_gcm())
    out, rest = ctypes.create_string_buffer(len(data) + TAG), ctypes.create_string_buffer(TAG)
    length = ctypes.c_int()
    try:
        good = (
            len(key) == KEY
            and len(nonce) == NONCE
            and init(context, cipher, None, key, nonce) == 1
            and update(context, None, ctypes.byref(length), owner, len(owner)) == 1
            and update(context, out, ctypes.byref(length), data, len(data)) == 1
            and (way == "Encrypt" or crypto.EVP_CIPHER_CTX_ctrl(context, _SET_TAG, TAG, tag) == 1)
            and final(context, rest, ctypes.byref(ctypes.c_int())) == 1
            and (way == "Decrypt" or crypto.EVP_CIPHER_CTX_ctrl(context, _GET_TAG, TAG, tag) == 1)
        )
        return out.raw[: length.value] if good else None
    finally:
        crypto.EVP_CIPHER_CTX_free(context)


def _libcrypto() -> ctypes.CDLL:
    try:
        # By the extension module: so it is the very library, and version, that this Python has loaded.
        library = ctypes.CDLL(importlib.import_module("_hashlib").__file__)
        library.EVP_CIPHER_CTX_new.restype = library.EVP_aes_256_gcm.restype = ctypes.c_void_p
    except (ImportError, OSError, AttributeError) as error:
        raise Fault(Code.FAILED, f"this Python brings no libcrypto to seal with: {error}") from error
    return library
