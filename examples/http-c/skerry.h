/* The function that http.c defines and abi.c calls. */
#pragma once
#include <stddef.h>
#include <stdint.h>

typedef struct {
  /* 200, and text/plain, until they are set; what is set after the first write comes too late. */
  int status;
  const char *content_type;
  /* Of abi.c: the handles of the answer on its way. */
  int32_t out, body, stream;
} skerry_response;

void skerry_handle(const char *method, const char *path, skerry_response *response);

/* Writes part of the answer's body; waits while the client does not take it. */
void skerry_write(skerry_response *response, const char *bytes, size_t length);
