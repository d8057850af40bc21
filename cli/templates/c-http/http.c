#include "skerry.h"

#include <stdio.h>
#include <string.h>

/* Answers one request; `path` is what follows the function's name, with the query. */
void skerry_handle(const char *method, const char *path, skerry_response *response) {
  if (strcmp(path, "/") != 0) {
    response->status = 404;
    skerry_write(response, "there is only /\n", 16);
    return;
  }
  char text[256];
  const int length = snprintf(text, sizeof text, "{\"greeting\":\"Hello, World!\",\"method\":\"%s\"}\n", method);
  response->content_type = "application/json";
  skerry_write(response, text, (size_t)length);
}
