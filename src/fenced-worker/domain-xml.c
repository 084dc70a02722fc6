/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "domain-xml.h"
#include "wire.h"

#include <libxml/parser.h>
#include <libxml/xpath.h>
#include <string.h>

static void doc_freep(xmlDocPtr *d) {
        xmlFreeDoc(*d);
}

static void context_freep(xmlXPathContextPtr *c) {
        xmlXPathFreeContext(*c);
}

static void object_freep(xmlXPathObjectPtr *o) {
        xmlXPathFreeObject(*o);
}

static void string_freep(xmlChar **s) {
        xmlFree(*s);
}

static xmlDocPtr parse(const char *xml) {
        return xmlReadMemory(xml, (int) strlen(xml), "domain.xml", NULL,
                XML_PARSE_NONET | XML_PARSE_NOERROR | XML_PARSE_NOWARNING);
}

/* Calls `each` with the value of every node that matches; stops and returns true when it does. */
static bool any_value(const char *xml, const char *xpath, bool (*each)(const char *value, void *userdata),
        void *userdata) {
        _cleanup_(doc_freep) xmlDocPtr doc = parse(xml);
        _cleanup_(context_freep) xmlXPathContextPtr context = NULL;
        _cleanup_(object_freep) xmlXPathObjectPtr found = NULL;

        if (!doc)
                return false;
        context = xmlXPathNewContext(doc);
        if (!context)
                return false;
        found = xmlXPathEvalExpression((const xmlChar *) xpath, context);
        if (!found || !found->nodesetval)
                return false;
        for (int i = 0; i < found->nodesetval->nodeNr; i++) {
                _cleanup_(string_freep) xmlChar *value = xmlNodeGetContent(found->nodesetval->nodeTab[i]);

                if (value && each((const char *) value, userdata))
                        return true;
        }
        return false;
}

static const char *without_var(const char *path) {
        return strncmp(path, "/var/run/", 9) == 0 ? path + 4 : path;
}

static bool same_path(const char *value, void *userdata) {
        return strcmp(without_var(value), without_var(userdata)) == 0;
}

bool domain_xml_has_socket(const char *xml, const char *path) {
        return any_value(xml,
                "/domain/devices/*[self::serial or self::console or self::parallel or self::channel][@type='unix']"
                "/source/@path",
                same_path, (void *) path);
}

static bool take_cid(const char *value, void *userdata) {
        uint32_t *cid = userdata;
        char *end;

        errno = 0;
        unsigned long n = strtoul(value, &end, 10);
        if (errno != 0 || end == value || *end || n > UINT32_MAX)
                return false;
        *cid = (uint32_t) n;
        return true;
}

uint32_t domain_xml_cid(const char *xml) {
        uint32_t cid = 0;

        (void) any_value(xml, "/domain/devices/vsock/cid/@address", take_cid, &cid);
        return cid;
}

static bool has_only_text(const xmlNode *n) {
        for (const xmlNode *child = n->children; child; child = child->next)
                if (child->type != XML_TEXT_NODE)
                        return false;
        return true;
}

/* False for what is no list of labels. `words` is taken apart. */
static bool take_labels(char *words, char ret[static WORKER_LABELS_SIZE]) {
        char *save = NULL;
        size_t used = 0;

        for (char *word = strtok_r(words, " \t\r\n", &save); word; word = strtok_r(NULL, " \t\r\n", &save)) {
                size_t n = strlen(word);

                if (!wire_target_is_valid(word) || used + (used > 0) + n >= WORKER_LABELS_SIZE)
                        return false;
                if (used > 0)
                        ret[used++] = ' ';
                memcpy(ret + used, word, n + 1);
                used += n;
        }
        return true;
}

void metadata_labels(const char *xml, char ret[static WORKER_LABELS_SIZE]) {
        _cleanup_(doc_freep) xmlDocPtr doc = parse(xml);
        const xmlNode *root = doc ? xmlDocGetRootElement(doc) : NULL;

        memset(ret, 0, WORKER_LABELS_SIZE);
        if (!root || strcmp((const char *) root->name, "labels") != 0 || !has_only_text(root))
                return;
        _cleanup_(string_freep) xmlChar *content = xmlNodeGetContent(root);
        if (!content || !take_labels((char *) content, ret))
                memset(ret, 0, WORKER_LABELS_SIZE);
}

bool domain_xml_any_port(const char *xml, bool (*each)(const char *port, void *userdata), void *userdata) {
        return any_value(xml, "/domain/devices/interface[source/@bridge]/target/@dev", each, userdata);
}

static bool take_any(const char *value, void *userdata) {
        return true;
}

bool filter_xml_is_clean(const char *xml) {
        return any_value(xml,
                "/filterbinding/filterref[@filter='clean-traffic' or @filter='clean-traffic-gateway']"
                "/parameter[@name='IP']/@value",
                take_any, NULL);
}
