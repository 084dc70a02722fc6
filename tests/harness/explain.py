# SPDX-License-Identifier: LGPL-2.1-or-later
"""Asks Explain (org.fencevirt1(5)) over the real system bus, thousands of times: by sd-bus, since a process for each question
takes longer than the answer."""

import ctypes
import errno
import os

NAME, PATH, INTERFACE = b'org.fencevirt1', b'/org/fencevirt1', b'org.fencevirt1.Manager'


class Error(ctypes.Structure):      # sd_bus_error
    _fields_ = [('name', ctypes.c_char_p), ('message', ctypes.c_char_p), ('need_free', ctypes.c_int)]


class Explainer:
    def __init__(self):
        self.library = ctypes.CDLL('libsystemd.so.0')
        self.bus = ctypes.c_void_p()
        self.check(self.library.sd_bus_open_system(ctypes.byref(self.bus)))

    @staticmethod
    def check(result):
        if result < 0:
            raise OSError(-result, os.strerror(-result))

    def __call__(self, requester, action, target):
        """(allowed, group, reason, name, uuid); OSError, with the errno of the error that came back."""
        error, reply = Error(), ctypes.c_void_p()
        words = [text.encode() for text in (requester, action, target)]
        result = self.library.sd_bus_call_method(self.bus, NAME, PATH, INTERFACE, b'Explain', ctypes.byref(error),
                                                 ctypes.byref(reply), b'sss', *words)
        if result < 0:
            text = f'{(error.name or b"").decode()}: {(error.message or b"").decode()}'
            self.library.sd_bus_error_free(ctypes.byref(error))
            raise OSError(-result, text)
        allowed = ctypes.c_int()
        texts = [ctypes.c_char_p() for _ in range(4)]
        try:
            self.check(self.library.sd_bus_message_read(reply, b'bssss', ctypes.byref(allowed),
                                                        *(ctypes.byref(text) for text in texts)))
            return (bool(allowed.value), *(text.value.decode() for text in texts))
        finally:
            self.library.sd_bus_message_unref(reply)

    def is_there(self):
        try:
            self('', 'monitor', '')
        except OSError as error:
            if error.errno in (errno.EHOSTUNREACH, errno.ENXIO, errno.EBADR):       # nobody has the name
                return False
            raise
        return True
