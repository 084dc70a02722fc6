/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "channel.h"

#include <ctype.h>
#include <libxml/parser.h>
#include <stdio.h>
#include <string.h>

typedef enum Element {
        ELEMENT_NONE, /* above the root */
        ELEMENT_DOMSTATUS,
        ELEMENT_DOMAIN,
        ELEMENT_UUID,
        ELEMENT_DEVICES,
        ELEMENT_PORT, /* serial, console */
        ELEMENT_CHANNEL,
        ELEMENT_SOURCE,
        ELEMENT_TARGET,
} Element;

/* The paths that count; everything beside and below them is passed over. */
static const struct {
        Element parent, element;
        const char *name;
} elements[] = {
        { ELEMENT_NONE, ELEMENT_DOMAIN, "domain" },
        { ELEMENT_NONE, ELEMENT_DOMSTATUS, "domstatus" },
        { ELEMENT_DOMSTATUS, ELEMENT_DOMAIN, "domain" },
        { ELEMENT_DOMAIN, ELEMENT_UUID, "uuid" },
        { ELEMENT_DOMAIN, ELEMENT_DEVICES, "devices" },
        { ELEMENT_DEVICES, ELEMENT_PORT, "serial" },
        { ELEMENT_DEVICES, ELEMENT_PORT, "console" },
        { ELEMENT_DEVICES, ELEMENT_CHANNEL, "channel" },
        { ELEMENT_PORT, ELEMENT_SOURCE, "source" },
        { ELEMENT_CHANNEL, ELEMENT_SOURCE, "source" },
        { ELEMENT_CHANNEL, ELEMENT_TARGET, "target" },
};

enum { PATH_ELEMENTS_MAX = 5 }; /* domstatus, domain, devices, channel, source */

/* A device while it is read. */
typedef struct Port {
        bool is_unix, connects, binds, named;
        char path[SOCKET_PATH_SIZE];
        int path_error; /* of path_normalize(), 0 when path is set */
} Port;

typedef struct Reader {
        xmlParserCtxtPtr ctxt;
        char *const *bind_directories;
        Element path[PATH_ELEMENTS_MAX]; /* the open elements that count: the outermost n_path */
        unsigned n_path, depth; /* depth: all that are open */
        bool has_domain;
        char uuid[WIRE_UUID_SIZE + 3]; /* with room to notice what is too long */
        size_t n_uuid;
        Port port;
        Channels channels;
        const char *refused;
} Reader;

typedef struct Attributes {
        int n;
        const xmlChar **list; /* local name, prefix, URI, value, end of value: five each */
} Attributes;

/* libxml2 may still call back after this. */
static void refuse(Reader *r, const char *reason) {
        if (!r->refused)
                r->refused = reason;
        xmlStopParser(r->ctxt);
}

static Element innermost(const Reader *r) {
        return r->n_path > 0 ? r->path[r->n_path - 1] : ELEMENT_NONE;
}

/* The value of an attribute, which is not terminated, or NULL. */
static const char *get(const Attributes *a, const char *name, size_t *ret_n) {
        for (int i = 0; i < a->n; i++) {
                const xmlChar **attribute = a->list + (ptrdiff_t) 5 * i;

                if (attribute[1] || strcmp((const char *) attribute[0], name) != 0)
                        continue;
                *ret_n = (size_t) (attribute[4] - attribute[3]);
                return (const char *) attribute[3];
        }
        return NULL;
}

static bool is(const Attributes *a, const char *name, const char *value) {
        size_t n;
        const char *v = get(a, name, &n);

        return v && n == strlen(value) && memcmp(v, value, n) == 0;
}

/* The first source counts; libvirt writes one. */
static void take_source(Port *p, const Attributes *a) {
        const char *path;
        size_t n;

        if (p->connects || p->binds)
                return;
        p->connects = is(a, "mode", "connect");
        p->binds = is(a, "mode", "bind");
        path = get(a, "path", &n);
        p->path_error = path ? path_normalize(path, n, p->path) : -ENOENT;
}

static void open_element(Reader *r, Element e, const Attributes *a) {
        switch (e) {
        case ELEMENT_DOMAIN:
                if (r->has_domain)
                        refuse(r, "there is more than one domain");
                r->has_domain = true;
                break;
        case ELEMENT_UUID:
                if (r->n_uuid > 0)
                        refuse(r, "there is more than one UUID");
                break;
        case ELEMENT_DEVICES:
                if (r->channels.uuid[0] == '\0')
                        refuse(r, "there is no UUID before the devices");
                break;
        case ELEMENT_PORT:
        case ELEMENT_CHANNEL:
                r->port = (Port){ .is_unix = is(a, "type", "unix"), .path_error = -ENOENT };
                break;
        case ELEMENT_SOURCE:
                take_source(&r->port, a);
                break;
        case ELEMENT_TARGET:
                r->port.named = is(a, "type", "virtio") && is(a, "name", CHANNEL_NAME);
                break;
        default:
                break;
        }
}

static void on_start(void *userdata, const xmlChar *name, const xmlChar *prefix, const xmlChar *uri,
        int n_namespaces, const xmlChar **namespaces, int n_attributes, int n_defaulted,
        const xmlChar **attributes) {
        Reader *r = userdata;
        const Attributes a = { .n = n_attributes, .list = attributes };

        if (r->refused)
                return;
        if (r->depth >= DOMAIN_XML_DEPTH_MAX)
                return refuse(r, "elements are nested too deeply");
        r->depth++;
        if (r->n_path + 1 != r->depth)
                return; /* below something that does not count */
        for (size_t i = 0; i < ELEMENTSOF(elements); i++)
                if (elements[i].parent == innermost(r) && !uri &&
                        strcmp(elements[i].name, (const char *) name) == 0) {
                        r->path[r->n_path++] = elements[i].element;
                        return open_element(r, elements[i].element, &a);
                }
        if (r->depth == 1)
                refuse(r, "it is no domain");
}

static void take_uuid(Reader *r) {
        r->uuid[r->n_uuid] = '\0';
        if (!wire_is_uuid(r->uuid))
                return refuse(r, "the UUID is none");
        for (size_t i = 0; i <= WIRE_UUID_SIZE; i++)
                r->channels.uuid[i] = (char) tolower((unsigned char) r->uuid[i]);
}

/* True when path lies directly in directory. */
static bool lies_in(const char *path, const char *directory) {
        size_t n = strlen(directory);

        return strncmp(path, directory, n) == 0 && path[n] == '/' && !strchr(path + n + 1, '/');
}

static void take_connect(Channels *c, const char *path) {
        char own[SOCKET_PATH_SIZE];

        if (strncmp(path, CHANNEL_VM_DIR "/", strlen(CHANNEL_VM_DIR "/")) != 0)
                return;
        (void) snprintf(own, sizeof(own), CHANNEL_VM_DIR "/%s.sock", c->uuid);
        if (strcmp(path, own) == 0)
                c->own_socket = true;
        else
                c->unserved = "below " CHANNEL_VM_DIR " it may name only UUID.sock, with its own UUID in "
                              "lower case";
}

static void take_bind(Channels *c, const char *path) {
        char unit[UNIT_NAME_SIZE];

        for (size_t i = 0; i < c->n_binds; i++)
                if (strcmp(c->binds[i], path) == 0)
                        return; /* the first console is the first serial port once more */
        if (unit_name_dial(path, unit) < 0)
                c->unserved = "the path of a channel is too long for the name of a unit";
        else if (c->n_binds >= CHANNEL_BINDS_MAX)
                c->unserved = "it has more than 16 channels";
        else
                (void) snprintf(c->binds[c->n_binds++], SOCKET_PATH_SIZE, "%s", path);
}

static void take_port(Reader *r) {
        const Port *p = &r->port;
        bool ours = p->named;

        if (!p->is_unix || (!p->connects && !p->binds))
                return;
        if (p->path_error < 0) {
                if (p->binds && p->named && p->path_error != -ENOENT)
                        r->channels.unserved = "the path of a channel is no path of a socket";
                return; /* -ENOENT: libvirt has not made up a path yet */
        }
        if (p->connects)
                return take_connect(&r->channels, p->path);
        for (char *const *d = r->bind_directories; d && *d && !ours; d++)
                ours = lies_in(p->path, *d);
        if (strncmp(p->path, "/run/fence-virt/", strlen("/run/fence-virt/")) == 0)
                r->channels.unserved =
                        "what lies below /run/fence-virt is systemd's: mode='bind' there must be "
                        "mode='connect'";
        else if (ours)
                take_bind(&r->channels, p->path);
}

static void on_end(void *userdata, const xmlChar *name, const xmlChar *prefix, const xmlChar *uri) {
        Reader *r = userdata;

        if (r->refused)
                return;
        if (r->n_path == r->depth) {
                switch (innermost(r)) {
                case ELEMENT_UUID:
                        take_uuid(r);
                        break;
                case ELEMENT_PORT:
                case ELEMENT_CHANNEL:
                        take_port(r);
                        break;
                default:
                        break;
                }
                r->n_path--;
        }
        r->depth--;
}

static void on_text(void *userdata, const xmlChar *text, int n) {
        Reader *r = userdata;

        if (r->refused || r->n_path != r->depth || innermost(r) != ELEMENT_UUID)
                return;
        for (int i = 0; i < n; i++) {
                if (r->n_uuid + 1 >= sizeof(r->uuid))
                        return refuse(r, "the UUID is none");
                r->uuid[r->n_uuid++] = (char) text[i];
        }
}

/* Comes before anything in it is read. */
static void on_doctype(void *userdata, const xmlChar *name, const xmlChar *external, const xmlChar *system) {
        refuse(userdata, "it has a document type, which libvirt does not write");
}

static void on_error(void *userdata, const char *format, ...) {
        /* the result says it; without this libxml2 prints it */
}

static int read_all(Reader *r, const char *xml, size_t size) {
        static const xmlSAXHandler handlers = {
                .initialized = XML_SAX2_MAGIC,
                .startElementNs = on_start,
                .endElementNs = on_end,
                .characters = on_text,
                .cdataBlock = on_text,
                .internalSubset = on_doctype,
                .warning = on_error,
                .error = on_error,
                .fatalError = on_error,
        };
        xmlSAXHandler copy = handlers;
        bool well_formed;

        r->ctxt = xmlCreatePushParserCtxt(&copy, r, NULL, 0, NULL);
        if (!r->ctxt)
                return -ENOMEM;
        /* NOENT is for &amp; in attributes, which would come as another reference. Other entities there are none: reading
         * ends at the document type. */
        (void) xmlCtxtUseOptions(r->ctxt, XML_PARSE_NONET | XML_PARSE_NOENT | XML_PARSE_IGNORE_ENC);
        (void) xmlParseChunk(r->ctxt, xml, (int) size, 1);
        well_formed = r->ctxt->wellFormed;
        if (r->ctxt->myDoc)
                xmlFreeDoc(r->ctxt->myDoc);
        xmlFreeParserCtxt(r->ctxt);
        r->ctxt = NULL;
        if (!r->refused && !well_formed)
                r->refused = "it is not well-formed";
        if (!r->refused && r->channels.uuid[0] == '\0')
                r->refused = "there is no domain with a UUID in it";
        return r->refused ? -EBADMSG : 0;
}

int channels_parse(const char *xml, size_t size, char *const *bind_directories, Channels *ret,
        const char **ret_reason) {
        Reader r = { .bind_directories = bind_directories };
        int k;

        if (size > DOMAIN_XML_MAX)
                return -EMSGSIZE;
        k = read_all(&r, xml, size);
        if (k < 0) {
                if (k == -EBADMSG)
                        *ret_reason = r.refused;
                return k;
        }
        *ret = r.channels;
        return 0;
}
