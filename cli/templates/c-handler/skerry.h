/* The one function of wit/handler.wit: handler.c defines it, and abi.c calls it. */
#pragma once
#include <stdbool.h>

typedef struct {
  /* false: `text` is the message of an error. */
  bool ok;
  /* From malloc, and freed by the caller; JSON when ok. */
  char *text;
} skerry_answer;

/* `input` is JSON text with a NUL behind it. */
skerry_answer skerry_invoke(const char *input);
