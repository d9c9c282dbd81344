"""Which kernels OpenBLAS computes with."""

import ctypes


def blas_core():
    """The processor that OpenBLAS takes this one for, which decides its kernels."""
    try:
        library = ctypes.CDLL("libopenblas.so.0")
    except OSError:
        return "unknown: libopenblas.so.0 is not installed"
    library.openblas_get_corename.restype = ctypes.c_char_p
    return library.openblas_get_corename().decode()
