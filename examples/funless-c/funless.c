#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/*
 * FunLess's own ABI: a core module, no component. `__invoke` gets the length of the input, asks the host to write it
 * to an address, and hands over a response (JSON) or an error (text).
 */
#define HOST(name) __attribute__((import_module("fl_imps"), import_name(name)))

HOST("__get_input_data") void get_input_data(char *input);
HOST("__insert_response") void insert_response(const char *response, size_t length);
HOST("__insert_error") void insert_error(const char *message, size_t length);
HOST("__console_log") void console_log(const char *text, size_t length);

__attribute__((export_name("__invoke"))) int32_t invoke(int32_t length) {
  char *input = malloc((size_t)length + 1);
  char *response = malloc((size_t)length + 32);
  if (!input || !response) {
    insert_error("out of memory", 13);
    return 1;
  }
  get_input_data(input);
  input[length] = '\0';
  console_log("called", 6);
  if (!strstr(input, "\"name\"")) {
    insert_error("give me a name", 14);
    return 1;
  }
  insert_response(response, (size_t)snprintf(response, (size_t)length + 32, "{\"you_said\":%s}", input));
  return 0;
}
