/*
 * The canonical ABI of `invoke: func(input: string) -> result<string, string>`, by hand. The result is passed by its
 * address: a tag (0 ok, 1 error), then the text's address and length.
 */
#include "skerry.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#define EXPORT(name) __attribute__((export_name(name)))

typedef struct {
  uint8_t tag;
  char *text;
  size_t length;
} result;

/* The host asks here for memory to put strings into. */
EXPORT("cabi_realloc") void *cabi_realloc(void *old, size_t old_size, size_t alignment, size_t size) {
  (void)old_size;
  if (size == 0) return (void *)alignment;
  void *memory = realloc(old, size);
  if (!memory) __builtin_trap();
  return memory;
}

EXPORT("invoke") result *invoke(char *input, size_t length) {
  static result answer;
  char *text = malloc(length + 1);
  if (!text) __builtin_trap();
  memcpy(text, input, length);
  text[length] = '\0';
  const skerry_answer given = skerry_invoke(text);
  free(text);
  if (!given.text) __builtin_trap();
  answer = (result){.tag = given.ok ? 0 : 1, .text = given.text, .length = strlen(given.text)};
  return &answer;
}

/* The host has taken the result. */
EXPORT("cabi_post_invoke") void post_invoke(result *answer) { free(answer->text); }
