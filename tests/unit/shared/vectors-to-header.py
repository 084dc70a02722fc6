#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Turns tests/vectors/*.json into a C header: vectors-to-header.py DIRECTORY HEADER DEPFILE"""

import glob
import hashlib
import json
import os
import sys

PACKET, FRAME = 176, 74


def array(data):
    return "{ " + ", ".join("0x%02x" % b for b in data) + " }"


def pointer(data):
    return "(const uint8_t[])" + array(data) + ", %d" % len(data)


def quote(text):
    return json.dumps(text)


class Vectors:
    def __init__(self, directory):
        self.directory = directory
        self.files = []
        self.keys, self.packets, self.handshakes, self.frames, self.lists = [], [], [], [], []

    def load(self, name):
        path = os.path.join(self.directory, name)
        self.files.append(path)
        with open(path, encoding="utf-8") as f:
            return json.load(f)

    def read_keys(self):
        keys = self.load("keys.json")
        seed = hashlib.sha512(b"wire-test-key-4096").digest()
        long_key = b"".join(hashlib.sha512(seed + i.to_bytes(4, "big")).digest() for i in range(64))
        assert hashlib.sha256(long_key).hexdigest() == keys["key4096"]["sha256_of_key"]
        for name, value in keys.items():
            key = long_key if name == "key4096" else bytes.fromhex(value)
            self.keys.append("{ %s, %s }," % (quote(name), pointer(key)))

    def add_packet(self, name, key, multicast, packet):
        assert len(packet) == PACKET, name
        self.packets.append("{ %s, %s, %s, %s }," %
                            (quote(name), quote(key), "true" if multicast else "false", array(packet)))

    def add_handshake(self, name, d):
        fields = ("guest_challenge", "host_response", "host_challenge", "guest_response")
        self.handshakes.append("{ %s, %s, %s, %s }," % (
            quote(name), quote(d["key"]), quote(d["auth"]), ", ".join(array(bytes.fromhex(d[f])) for f in fields)))

    def read_packets(self):
        for v in self.load("packets.json"):
            self.add_packet(v["name"], v["key"], "mcast" in v["name"], bytes.fromhex(v["packet"]))

    def read_exchange(self, name):
        j = self.load(name + ".json")
        d = j["decoded"]
        from_guest = [bytes.fromhex(w["hex"]) for w in j["wire"] if w["dir"] == "guest->host"]
        from_host = b"".join(bytes.fromhex(w["hex"]) for w in j["wire"] if w["dir"] == "host->guest")
        if d["transport"] == "serial":
            for frame in from_guest:
                assert len(frame) == FRAME, name
                self.frames.append("{ %s, %s, %s }," % (quote(name), array(frame), pointer(from_host)))
            if name.endswith("-list"):
                self.lists.append("{ %s, true, %s }," % (quote(name), pointer(from_host)))
            return
        # every datagram as it was sent, retransmissions included; over a stream the packet is what was decoded
        packets = {p for p in from_guest if len(p) == PACKET} | {bytes.fromhex(d["packet"])}
        for i, packet in enumerate(sorted(packets)):
            self.add_packet("%s #%d" % (name, i), d["key"], "mcast" in d["transport"], packet)
        if "host_response" in d:
            self.add_handshake(name, d)
        if name.endswith("-list"):
            self.lists.append("{ %s, false, %s }," % (quote(name), pointer(bytes.fromhex(d["host_tail"]))))

    def read_fx2(self):
        d = self.load("fx2.json")
        names = ("packet", "k_tag", "k_host", "k_guest", "k_result", "guest_challenge", "host_challenge", "host_proof",
                 "guest_proof", "body", "result_tag")
        only_names = ("packet", "k_packet", "host_proof", "guest_proof", "body", "result_tag", "list_body",
                      "list_result_tag")
        only = d["fx2_only"]
        fields = [".key = %s" % quote(d["key"])]
        fields += [".%s = %s" % (n, array(bytes.fromhex(d[n]))) for n in names]
        fields += [".only_file = %s" % quote(only["key_file"])]
        fields += [".only_%s = %s" % (n, array(bytes.fromhex(only[n]))) for n in only_names]
        return ", ".join(fields)

    def read_all(self):
        self.read_keys()
        self.read_packets()
        for path in sorted(glob.glob(os.path.join(self.directory, "exchange-*.json"))):
            self.read_exchange(os.path.basename(path)[:-len(".json")])

    def header(self):
        return """/* Made from tests/vectors by vectors-to-header.py. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

static const struct VectorKey {
        const char *name;
        const uint8_t *bytes;
        size_t size;
} vector_keys[] = {
%s
};

static const struct VectorPacket {
        const char *name;
        const char *key;
        bool multicast;
        uint8_t packet[176];
} vector_packets[] = {
%s
};

static const struct VectorHandshake {
        const char *name;
        const char *key;
        const char *hash;
        uint8_t guest_challenge[64];
        uint8_t host_response[64];
        uint8_t host_challenge[64];
        uint8_t guest_response[64];
} vector_handshakes[] = {
%s
};

static const struct VectorFrame {
        const char *name;
        uint8_t frame[74];
        const uint8_t *reply; /* everything the host sent */
        size_t reply_size;
} vector_frames[] = {
%s
};

/* Everything the host sent after authentication. */
static const struct VectorList {
        const char *name;
        bool serial;
        const uint8_t *bytes;
        size_t size;
} vector_lists[] = {
%s
};

static const struct VectorFx2 {
        const char *key;
        uint8_t packet[176];
        uint8_t k_tag[64], k_host[64], k_guest[64], k_result[64];
        uint8_t guest_challenge[64], host_challenge[64], host_proof[64], guest_proof[64];
        uint8_t body[1];
        uint8_t result_tag[64];
        /* the same secret and challenges with a key that is for FX2 only */
        const char *only_file;
        uint8_t only_packet[176], only_k_packet[64], only_host_proof[64], only_guest_proof[64];
        uint8_t only_body[1], only_result_tag[64];
        uint8_t only_list_body[262], only_list_result_tag[64];
} vector_fx2 = { %s };
""" % tuple("\n".join(t) if isinstance(t, list) else t for t in
            (self.keys, self.packets, self.handshakes, self.frames, self.lists, self.read_fx2()))


def main():
    directory, header, depfile = sys.argv[1:]
    v = Vectors(directory)
    v.read_all()
    with open(header, "w", encoding="utf-8") as f:
        f.write(v.header())
    with open(depfile, "w", encoding="utf-8") as f:
        f.write("%s: %s\n" % (header, " ".join(v.files)))


main()
