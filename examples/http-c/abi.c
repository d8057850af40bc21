/*
 * wasi:http/incoming-handler@0.2.12 in the canonical ABI, by hand: methods of WIT are imported functions, handles are
 * numbers, and results that do not fit a number are written to an address.
 */
#include "skerry.h"

#include <stdlib.h>
#include <string.h>

#define HTTP "wasi:http/types@0.2.12"
#define STREAMS "wasi:io/streams@0.2.12"
#define IMPORT(module, name) __attribute__((import_module(module), import_name(name)))
#define EXPORT(name) __attribute__((export_name(name)))

IMPORT(HTTP, "[method]incoming-request.method") void request_method(int32_t request, void *result);
IMPORT(HTTP, "[method]incoming-request.path-with-query") void request_path(int32_t request, void *result);
IMPORT(HTTP, "[resource-drop]incoming-request") void request_drop(int32_t request);
IMPORT(HTTP, "[constructor]fields") int32_t fields_new(void);
IMPORT(HTTP, "[method]fields.append")
void fields_append(int32_t fields, const char *name, size_t name_length, const char *value, size_t length, void *result);
IMPORT(HTTP, "[constructor]outgoing-response") int32_t response_new(int32_t fields);
IMPORT(HTTP, "[method]outgoing-response.set-status-code") int32_t response_set_status(int32_t response, int32_t status);
IMPORT(HTTP, "[method]outgoing-response.body") void response_body(int32_t response, void *result);
IMPORT(HTTP, "[static]response-outparam.set")
void outparam_set(int32_t out, int32_t is_error, int32_t response, int32_t, int64_t, int32_t, int32_t, int32_t, int32_t);
IMPORT(HTTP, "[method]outgoing-body.write") void body_write(int32_t body, void *result);
IMPORT(HTTP, "[static]outgoing-body.finish") void body_finish(int32_t body, int32_t has_trailers, int32_t, void *result);
IMPORT(STREAMS, "[method]output-stream.blocking-write-and-flush")
void stream_write(int32_t stream, const char *bytes, size_t length, void *result);
IMPORT(STREAMS, "[resource-drop]output-stream") void stream_drop(int32_t stream);

/* Room for any of the results above. */
typedef union {
  uint8_t tag;
  struct {
    uint32_t tag;
    uint32_t first;
    uint32_t second;
  } words;
  uint64_t room[8];
} returned;

/* The maximum of one call of blocking-write-and-flush (wasi:io/streams). */
enum { chunk = 4096 };

static const char *const methods[] = {"GET", "HEAD", "POST", "PUT", "DELETE", "CONNECT", "OPTIONS", "TRACE", "PATCH"};
enum { other_method = 9 };

EXPORT("cabi_realloc") void *cabi_realloc(void *old, size_t old_size, size_t alignment, size_t size) {
  (void)old_size;
  if (size == 0) return (void *)alignment;
  void *memory = realloc(old, size);
  if (!memory) __builtin_trap();
  return memory;
}

static char *text_of(uint32_t address, uint32_t length) {
  char *text = malloc((size_t)length + 1);
  if (!text) __builtin_trap();
  memcpy(text, (const char *)(uintptr_t)address, length);
  text[length] = '\0';
  return text;
}

/* Sends the head; from here on the status is fixed. */
static void begin(skerry_response *response) {
  returned result = {0};
  const int32_t fields = fields_new();
  const char *type = response->content_type;
  fields_append(fields, "content-type", 12, type, strlen(type), &result);
  const int32_t answer = response_new(fields);
  response_set_status(answer, response->status);
  response_body(answer, &result);
  response->body = (int32_t)result.words.first;
  outparam_set(response->out, 0, answer, 0, 0, 0, 0, 0, 0);
  body_write(response->body, &result);
  response->stream = (int32_t)result.words.first;
}

void skerry_write(skerry_response *response, const char *bytes, size_t length) {
  if (response->body < 0) begin(response);
  for (size_t at = 0; at < length; at += chunk) {
    returned result = {0};
    stream_write(response->stream, bytes + at, length - at < chunk ? length - at : chunk, &result);
    /* The reader is gone. */
    if (result.tag != 0) return;
  }
}

EXPORT("wasi:http/incoming-handler@0.2.12#handle") void handle(int32_t request, int32_t out) {
  returned result = {0};
  request_method(request, &result);
  char *other = result.tag == other_method ? text_of(result.words.first, result.words.second) : NULL;
  const char *method = other ? other : methods[result.tag];
  result = (returned){0};
  request_path(request, &result);
  char *path = result.tag ? text_of(result.words.first, result.words.second) : strdup("/");
  skerry_response response = {.status = 200, .content_type = "text/plain", .out = out, .body = -1, .stream = -1};
  skerry_handle(method, path, &response);
  if (response.body < 0) begin(&response);
  stream_drop(response.stream);
  body_finish(response.body, 0, 0, &result);
  request_drop(request);
  free(path);
  free(other);
}
