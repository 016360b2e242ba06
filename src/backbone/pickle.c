#include <config.h>

#include "pickle.h"

#include "../base/error.h"
#include "opcode.h"

#include <stdlib.h>
#include <string.h>

enum { NAME_BYTES = 128, PROTOCOL_MOST = 5, MEMO_MOST = 1 << 22 };

/* A pickle while it is read.  */
struct machine {
  struct pickle *pickle;
  const unsigned char *begin;
  struct pyvalue_list stack, memo; /* memo has NULL where nothing was put */
  struct pyvalue mark;
};

static int
malformed (const struct machine *machine, const char *what)
{
  const struct pickle *pickle = machine->pickle;
  return error_set ("'%s' is damaged or cut short: %s at byte %zu of its pickle; copy or download it again",
                    pickle->pool->path, what, (size_t) (pickle->at - machine->begin));
}

static int
list_add (struct machine *machine, struct pyvalue_list *list, struct pyvalue *value)
{
  return pyvalue_add (machine->pickle->pool, list, value);
}

static struct pyvalue *
new_value (struct machine *machine, enum pyvalue_kind kind)
{
  return pyvalue_new (machine->pickle->pool, kind);
}

/* The next LENGTH bytes; NULL with the error set.  */
static const unsigned char *
take (struct machine *machine, uint64_t length)
{
  const unsigned char *bytes = machine->pickle->at;
  if (length > (size_t) (machine->pickle->end - bytes))
    {
      malformed (machine, "the end");
      return NULL;
    }
  machine->pickle->at += length;
  return bytes;
}

/* The next BYTES bytes as a number without a sign, the lowest first.  */
static int
take_number (struct machine *machine, int bytes, uint64_t *number)
{
  const unsigned char *at = take (machine, (uint64_t) bytes);
  *number = 0;
  for (int i = 0; at && i < bytes; i++)
    *number |= (uint64_t) at[i] << 8 * i;
  return at ? 0 : -1;
}

static int
push (struct machine *machine, struct pyvalue *value)
{
  return value ? list_add (machine, &machine->stack, value) : -1;
}

/* The uppermost value, taken off, of the kind KIND (PYVALUE_MARK: of any kind but that one); NULL with the error
   set.  */
static struct pyvalue *
pop (struct machine *machine, enum pyvalue_kind kind)
{
  struct pyvalue_list *stack = &machine->stack;
  struct pyvalue *value = stack->count ? stack->value[--stack->count] : NULL;
  if (value && (kind == PYVALUE_MARK ? value->kind != kind : value->kind == kind))
    return value;
  malformed (machine, "a value is missing");
  return NULL;
}

/* The uppermost value, left in its place, of the kind KIND; NULL with the error set.  */
static struct pyvalue *
top (struct machine *machine, enum pyvalue_kind kind)
{
  struct pyvalue *value = pop (machine, kind);
  if (value)
    machine->stack.count++;
  return value;
}

/* Takes all that stands above the last mark, and the mark; *VALUE (count) are borrowed until the next push.  */
static int
pop_marked (struct machine *machine, struct pyvalue ***value, size_t *count)
{
  struct pyvalue_list *stack = &machine->stack;
  size_t place = stack->count;
  while (place > 0 && stack->value[place - 1]->kind != PYVALUE_MARK)
    place--;
  if (place == 0)
    return malformed (machine, "a mark is missing");
  *value = stack->value + place;
  *count = stack->count - place;
  stack->count = place - 1;
  return 0;
}

static int
add_items (struct machine *machine, struct pyvalue *to, struct pyvalue *const *value, size_t count)
{
  int result = to ? 0 : -1;
  if (result == 0 && to->kind == PYVALUE_DICT && count % 2)
    return malformed (machine, "a key without a value");
  for (size_t i = 0; i < count && result == 0; i++)
    result = list_add (machine, &to->items, value[i]);
  return result;
}

/* Adds what stands above the mark to the list or dict below it.  */
static int
extend (struct machine *machine, enum pyvalue_kind kind)
{
  struct pyvalue **value;
  size_t count;
  return pop_marked (machine, &value, &count) ? -1 : add_items (machine, top (machine, kind), value, count);
}

/* Makes a container of what stands above the mark.  */
static int
push_marked (struct machine *machine, enum pyvalue_kind kind)
{
  struct pyvalue **value, *made = new_value (machine, kind);
  size_t count;
  if (!made || pop_marked (machine, &value, &count) || add_items (machine, made, value, count))
    return -1;
  return push (machine, made);
}

/* Takes the COUNT uppermost values, which stand above the mark if there is one, and adds them to TO.  */
static int
add_top (struct machine *machine, struct pyvalue *to, size_t count)
{
  struct pyvalue *value[3] = { NULL };
  for (size_t i = count; i-- > 0;)
    if (!(value[i] = pop (machine, PYVALUE_MARK)))
      return -1;
  return add_items (machine, to, value, count);
}

static int
push_of_top (struct machine *machine, enum pyvalue_kind kind, size_t count)
{
  struct pyvalue *made = new_value (machine, kind);
  return made && add_top (machine, made, count) == 0 ? push (machine, made) : -1;
}

/* Puts the uppermost value, or a key and a value, into the list or dict below.  */
static int
append (struct machine *machine, enum pyvalue_kind kind)
{
  struct pyvalue *value = pop (machine, PYVALUE_MARK), *key = NULL;
  if (!value || (kind == PYVALUE_DICT && !(key = pop (machine, PYVALUE_MARK))))
    return -1;
  struct pyvalue *items[] = { key, value };
  return key ? add_items (machine, top (machine, kind), items, 2) : add_items (machine, top (machine, kind), &value, 1);
}

static int
push_integer (struct machine *machine, enum pyvalue_kind kind, int64_t integer)
{
  struct pyvalue *value = new_value (machine, kind);
  if (value)
    value->integer = integer;
  return push (machine, value);
}

/* A whole number of BYTES bytes, with a sign where SIGNED.  */
static int
push_number (struct machine *machine, int bytes, bool is_signed)
{
  uint64_t number;
  if (take_number (machine, bytes, &number))
    return -1;
  int64_t integer = (int64_t) number;
  if (is_signed && bytes < 8 && number >> (8 * bytes - 1))
    integer -= (int64_t) 1 << 8 * bytes;
  return push_integer (machine, PYVALUE_INTEGER, integer);
}

/* Text or bytes, whose length takes the next LENGTH_BYTES bytes.  */
static int
push_text (struct machine *machine, enum pyvalue_kind kind, int length_bytes)
{
  uint64_t length;
  const unsigned char *text = take_number (machine, length_bytes, &length) ? NULL : take (machine, length);
  struct pyvalue *value = text ? new_value (machine, kind) : NULL;
  if (value)
    {
      value->text = (const char *) text;
      value->length = (size_t) length;
    }
  return push (machine, value);
}

/* An integer of any length, which takes the next LENGTH_BYTES bytes.  */
static int
push_long (struct machine *machine, int length_bytes)
{
  const unsigned char *start = machine->pickle->at;
  uint64_t length;
  if (take_number (machine, length_bytes, &length))
    return -1;
  if (length > 0 && length <= 8)
    return push_number (machine, (int) length, true);
  machine->pickle->at = start;
  return length == 0 ? push_number (machine, length_bytes, false) : push_text (machine, PYVALUE_BYTES, length_bytes);
}

/* A number with a point: 8 bytes, the highest first.  */
static int
push_float (struct machine *machine)
{
  const unsigned char *at = take (machine, 8);
  struct pyvalue *value = at ? new_value (machine, PYVALUE_NUMBER) : NULL;
  uint64_t bits = 0;
  for (int i = 0; at && i < 8; i++)
    bits = bits << 8 | at[i];
  if (value)
    memcpy (&value->number, &bits, sizeof bits);
  return push (machine, value);
}

/* VALUE's text with a final 0 into NAME, as much as has room.  */
static const char *
copy_text (const struct pyvalue *value, char name[NAME_BYTES])
{
  size_t length = value->length < NAME_BYTES ? value->length : NAME_BYTES - 1;
  memcpy (name, value->text, length);
  name[length] = '\0';
  return name;
}

/* The global of the two uppermost texts.  */
static int
push_global (struct machine *machine)
{
  char module[NAME_BYTES], name[NAME_BYTES];
  struct pyvalue *second = pop (machine, PYVALUE_TEXT), *first = second ? pop (machine, PYVALUE_TEXT) : NULL;
  struct pyvalue *global = first ? new_value (machine, PYVALUE_GLOBAL) : NULL;
  if (!global || add_items (machine, global, (struct pyvalue *[]){ first, second }, 2))
    return -1;
  if (first->length >= NAME_BYTES || second->length >= NAME_BYTES
      || !machine->pickle->allows (copy_text (first, module), copy_text (second, name)))
    return error_set (
      "'%s' refers to '%s.%s', which no state dict needs: it holds a whole network or other objects, and "
      "nothing of it was run; save the state dict alone, in Python: torch.save (network.state_dict (), "
      "'weights.pth')",
      machine->pickle->pool->path, copy_text (first, module), copy_text (second, name));
  return push (machine, global);
}

/* A line of text, as the older form of a global has two.  */
static int
push_line (struct machine *machine)
{
  const unsigned char *end = memchr (machine->pickle->at, '\n', (size_t) (machine->pickle->end - machine->pickle->at));
  struct pyvalue *value = end ? new_value (machine, PYVALUE_TEXT) : NULL;
  if (!end)
    return malformed (machine, "a name without an end");
  if (value)
    {
      value->text = (const char *) machine->pickle->at;
      value->length = (size_t) (end - machine->pickle->at);
      machine->pickle->at = end + 1;
    }
  return push (machine, value);
}

/* The dict of what OrderedDict is called with: nothing, or a list of pairs, as Python 2 writes it.  */
static int
push_ordered (struct machine *machine, const struct pyvalue *arguments)
{
  struct pyvalue *dict = new_value (machine, PYVALUE_DICT);
  const struct pyvalue_list *pairs = arguments->items.count ? &arguments->items.value[0]->items : &arguments->items;
  for (size_t i = 0; dict && i < pairs->count; i++)
    {
      const struct pyvalue *pair = pairs->value[i];
      if ((pair->kind != PYVALUE_TUPLE && pair->kind != PYVALUE_LIST) || pair->items.count != 2)
        return malformed (machine, "an OrderedDict of what are no pairs");
      if (add_items (machine, dict, pair->items.value, 2))
        return -1;
    }
  return push (machine, dict);
}

static int
push_call (struct machine *machine)
{
  struct pyvalue *arguments = pop (machine, PYVALUE_TUPLE);
  struct pyvalue *global = arguments ? pop (machine, PYVALUE_GLOBAL) : NULL;
  if (!global)
    return -1;
  if (pyvalue_is_global (global, "collections", "OrderedDict"))
    return push_ordered (machine, arguments);
  struct pyvalue *call = new_value (machine, PYVALUE_CALL);
  if (!call || add_items (machine, call, (struct pyvalue *[]){ global, arguments }, 2))
    return -1;
  return push (machine, call);
}

/* Keeps the uppermost value under the number PLACE.  */
static int
put (struct machine *machine, uint64_t place)
{
  struct pyvalue *value = top (machine, PYVALUE_MARK);
  if (!value)
    return -1;
  if (place >= MEMO_MOST)
    return malformed (machine, "a number that no value can have");
  while (machine->memo.count <= place)
    if (list_add (machine, &machine->memo, NULL))
      return -1;
  machine->memo.value[place] = value;
  return 0;
}

static int
put_numbered (struct machine *machine, int bytes)
{
  uint64_t place;
  return take_number (machine, bytes, &place) ? -1 : put (machine, place);
}

static int
get_numbered (struct machine *machine, int bytes)
{
  uint64_t place;
  if (take_number (machine, bytes, &place))
    return -1;
  if (place >= machine->memo.count || !machine->memo.value[place])
    return malformed (machine, "a value that was never kept");
  return push (machine, machine->memo.value[place]);
}

static int
check_protocol (struct machine *machine)
{
  uint64_t protocol;
  if (take_number (machine, 1, &protocol))
    return -1;
  return protocol <= PROTOCOL_MOST ? 0 : malformed (machine, "a protocol that is not known");
}

/* Opcodes of single values.  1 where OPCODE is none.  */
static int
run_value (struct machine *machine, unsigned char opcode)
{
  switch (opcode)
    {
    case NONE:
      return push (machine, new_value (machine, PYVALUE_NONE));
    case NEWTRUE:
    case NEWFALSE:
      return push_integer (machine, PYVALUE_BOOL, opcode == NEWTRUE);
    case BININT:
      return push_number (machine, 4, true);
    case BININT1:
      return push_number (machine, 1, false);
    case BININT2:
      return push_number (machine, 2, false);
    case LONG1:
      return push_long (machine, 1);
    case LONG4:
      return push_long (machine, 4);
    case BINFLOAT:
      return push_float (machine);
    case SHORT_BINSTRING:
    case SHORT_BINUNICODE:
      return push_text (machine, PYVALUE_TEXT, 1);
    case BINSTRING:
    case BINUNICODE:
      return push_text (machine, PYVALUE_TEXT, 4);
    case BINUNICODE8:
      return push_text (machine, PYVALUE_TEXT, 8);
    case SHORT_BINBYTES:
      return push_text (machine, PYVALUE_BYTES, 1);
    case BINBYTES:
      return push_text (machine, PYVALUE_BYTES, 4);
    case BINBYTES8:
      return push_text (machine, PYVALUE_BYTES, 8);
    case GLOBAL:
      return push_line (machine) || push_line (machine) ? -1 : push_global (machine);
    default:
      return 1;
    }
}

/* Opcodes of containers and of what is done with values.  */
static int
run_structure (struct machine *machine, unsigned char opcode)
{
  struct pyvalue **value;
  size_t count;
  switch (opcode)
    {
    case EMPTY_TUPLE:
      return push (machine, new_value (machine, PYVALUE_TUPLE));
    case EMPTY_LIST:
      return push (machine, new_value (machine, PYVALUE_LIST));
    case EMPTY_DICT:
      return push (machine, new_value (machine, PYVALUE_DICT));
    case TUPLE:
      return push_marked (machine, PYVALUE_TUPLE);
    case LIST:
      return push_marked (machine, PYVALUE_LIST);
    case DICT:
      return push_marked (machine, PYVALUE_DICT);
    case TUPLE1:
    case TUPLE2:
    case TUPLE3:
      return push_of_top (machine, PYVALUE_TUPLE, (size_t) (opcode - TUPLE1) + 1);
    case APPEND:
      return append (machine, PYVALUE_LIST);
    case APPENDS:
      return extend (machine, PYVALUE_LIST);
    case SETITEM:
      return append (machine, PYVALUE_DICT);
    case SETITEMS:
      return extend (machine, PYVALUE_DICT);
    case STACK_GLOBAL:
      return push_global (machine);
    case REDUCE:
    case NEWOBJ:
      return push_call (machine);
    case BUILD: /* an object's attributes, such as a state dict's _metadata */
    case POP:
      return pop (machine, PYVALUE_MARK) ? 0 : -1;
    case BINPERSID:
      return push_of_top (machine, PYVALUE_PERSISTENT, 1);
    case MARK:
      return push (machine, &machine->mark);
    case POP_MARK:
      return pop_marked (machine, &value, &count);
    case BINPUT:
      return put_numbered (machine, 1);
    case LONG_BINPUT:
      return put_numbered (machine, 4);
    case MEMOIZE:
      return put (machine, machine->memo.count);
    case BINGET:
      return get_numbered (machine, 1);
    case LONG_BINGET:
      return get_numbered (machine, 4);
    case PROTO:
      return check_protocol (machine);
    case FRAME:
      return take (machine, 8) ? 0 : -1;
    default:
      return error_set ("'%s' holds what no state dict has, at byte %zu of its pickle; save network.state_dict () alone, "
                        "or copy the file again if it is damaged",
                        machine->pickle->pool->path, (size_t) (machine->pickle->at - machine->begin));
    }
}

/* Everything up to the end of the pickle; its value, or NULL.  */
static const struct pyvalue *
run (struct machine *machine)
{
  const unsigned char *opcode;
  while ((opcode = take (machine, 1)) && *opcode != STOP)
    {
      int result = run_value (machine, *opcode);
      if (result > 0)
        result = run_structure (machine, *opcode);
      if (result)
        return NULL;
    }
  return opcode ? pop (machine, PYVALUE_MARK) : NULL;
}

const struct pyvalue *
pickle_read (struct pickle *pickle)
{
  struct machine machine = { .pickle = pickle, .begin = pickle->at, .mark = { .kind = PYVALUE_MARK } };
  const struct pyvalue *value = run (&machine);
  free (machine.stack.value);
  free (machine.memo.value);
  return value;
}
