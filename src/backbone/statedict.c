#include <config.h>

#include "statedict.h"

#include "../base/error.h"
#include "../base/text.h"

#include <stdlib.h>
#include <string.h>

enum { STORAGES_MOST = 1 << 17 };

static const char prefix[] = "module."; /* of DataParallel */

/* A view of a storage.  */
struct tensor {
  const char *name; /* (length) borrowed */
  size_t length;
  struct storage *storage;
  int rank;
  int64_t offset, size[WEIGHTS_RANK], stride[WEIGHTS_RANK]; /* in elements */
};

struct statedict {
  struct weights *weights;
  struct storage *storage; /* (storages) by key */
  size_t storages;
  struct tensor *tensor; /* (tensors) in the order of the weights */
  size_t tensors;
};

bool
statedict_allows (const char *module, const char *name)
{
  static const char suffix[] = "Storage";
  size_t length = strlen (name), end = sizeof suffix - 1;
  if (!strcmp (module, "torch") || !strcmp (module, "torch.cuda"))
    return !strcmp (name, "Size") || (length > end && !strcmp (name + length - end, suffix));
  if (!strcmp (module, "torch._utils"))
    return !strcmp (name, "_rebuild_tensor_v2") || !strcmp (name, "_rebuild_tensor")
           || !strcmp (name, "_rebuild_parameter");
  return !strcmp (module, "collections") && !strcmp (name, "OrderedDict");
}

/* ITEM number I of VALUE where it is a tuple that has it and the item is of the kind KIND; NULL otherwise.  */
static const struct pyvalue *
item (const struct pyvalue *value, size_t i, enum pyvalue_kind kind)
{
  const struct pyvalue *found =
    value && value->kind == PYVALUE_TUPLE && i < value->items.count ? pyvalue_item (value, i) : NULL;
  return found && found->kind == kind ? found : NULL;
}

/* The arguments of the call VALUE of the function NAME of torch; NULL where it is none.  */
static const struct pyvalue *
arguments_of (const struct pyvalue *value, const char *module, const char *name)
{
  bool call = value && value->kind == PYVALUE_CALL && pyvalue_is_global (pyvalue_item (value, 0), module, name);
  return call ? pyvalue_item (value, 1) : NULL;
}

/* The arguments by which the tensor VALUE is rebuilt; NULL where it is no tensor.  */
static const struct pyvalue *
tensor_arguments (const struct pyvalue *value)
{
  static const char module[] = "torch._utils";
  const struct pyvalue *parameter = arguments_of (value, module, "_rebuild_parameter");
  value = parameter ? item (parameter, 0, PYVALUE_CALL) : value;
  const struct pyvalue *arguments = arguments_of (value, module, "_rebuild_tensor_v2");
  return arguments ? arguments : arguments_of (value, module, "_rebuild_tensor");
}

static size_t
count_tensors (const struct pyvalue *dict)
{
  size_t count = 0;
  for (size_t i = 1; dict && dict->kind == PYVALUE_DICT && i < dict->items.count; i += 2)
    count += tensor_arguments (pyvalue_item (dict, i)) != NULL;
  return count;
}

/* The dict of tensors in ROOT; NULL with the error set.  */
static const struct pyvalue *
choose_dict (const struct pyvalue *root, const char *path)
{
  static const char *const usual[] = { "state_dict", "model_state_dict", "model", "model_ema", "net", "network" };
  const struct pyvalue *found = NULL;
  size_t candidates = 0;
  /* First, since a checkpoint may have tensors of its own beside the dict: ImageNet's best_acc1.  */
  for (size_t i = 0; i < sizeof usual / sizeof *usual; i++)
    if (count_tensors (pyvalue_find (root, usual[i])))
      return pyvalue_find (root, usual[i]);
  if (count_tensors (root))
    return root;
  for (size_t i = 1; root->kind == PYVALUE_DICT && i < root->items.count; i += 2)
    if (count_tensors (pyvalue_item (root, i)))
      {
        found = pyvalue_item (root, i);
        candidates++;
      }
  if (candidates == 1)
    return found;
  error_set ("'%s' holds %s; save one alone, in Python: torch.save (network.state_dict (), 'weights.pth')", path,
             candidates ? "several dicts of tensors, and none has a usual name" : "no state dict");
  return NULL;
}

/* What the tuple ID, of a persistent id, says.  */
static int
parse_storage (const struct pyvalue *id, struct storage *storage)
{
  const struct pyvalue *word = item (id, 0, PYVALUE_TEXT), *type = item (id, 1, PYVALUE_GLOBAL);
  const struct pyvalue *key = item (id, 2, PYVALUE_TEXT), *elements = item (id, 4, PYVALUE_INTEGER);
  if (!word || !pyvalue_is_text (word, "storage") || !type || !key || !elements || elements->integer < 0)
    return -1;
  const struct pyvalue *name = pyvalue_item (type, 1);
  *storage = (struct storage){ .key = key->text,
                               .length = key->length,
                               .element = element_of_torch (name->text, name->length),
                               .elements = (uint64_t) elements->integer,
                               .type = name->text,
                               .type_length = name->length };
  return 0;
}

static int
compare (const void *a, const void *b)
{
  const struct storage *first = a, *second = b;
  size_t length = first->length < second->length ? first->length : second->length;
  int order = memcmp (first->key, second->key, length);
  return order ? order : (first->length > second->length) - (first->length < second->length);
}

/* Sorts the storages and leaves one of those with the same key.  */
static void
unite (struct statedict *statedict)
{
  size_t kept = 0;
  if (statedict->storages)
    qsort (statedict->storage, statedict->storages, sizeof *statedict->storage, compare);
  for (size_t i = 0; i < statedict->storages; i++)
    if (kept == 0 || compare (&statedict->storage[kept - 1], &statedict->storage[i]))
      statedict->storage[kept++] = statedict->storage[i];
  statedict->storages = kept;
}

/* All storages of the pickle: the sequential form has the bytes of those, too, that are not used.  */
static int
collect_storages (struct statedict *statedict, const struct pyvalue_pool *pool)
{
  size_t count = 0;
  for (size_t i = 0; i < pool->values.count; i++)
    count += pool->values.value[i]->kind == PYVALUE_PERSISTENT;
  if (!(statedict->storage = calloc (count ? count : 1, sizeof *statedict->storage)))
    return error_set ("no memory for the tensors of '%s'; give the job more memory", statedict->weights->path);
  for (size_t i = 0; i < pool->values.count; i++)
    {
      const struct pyvalue *value = pool->values.value[i];
      if (value->kind == PYVALUE_PERSISTENT
          && parse_storage (pyvalue_item (value, 0), &statedict->storage[statedict->storages++]))
        return weights_damaged (statedict->weights, "a tensor does not say where its values are");
    }
  unite (statedict);
  if (statedict->storages > STORAGES_MOST)
    return error_set ("'%s' has %zu tensors, more than any network; save the state dict alone",
                      statedict->weights->path, statedict->storages);
  return 0;
}

struct storage *
statedict_storage (const struct statedict *statedict, const char *key, size_t length)
{
  const struct storage wanted = { .key = key, .length = length };
  return statedict->storages ? bsearch (&wanted, statedict->storage, statedict->storages, sizeof wanted, compare)
                             : NULL;
}

/* The whole numbers of the tuple VALUE, or of a torch.Size; their count, or -1.  */
static int
parse_numbers (const struct pyvalue *value, int64_t number[WEIGHTS_RANK])
{
  const struct pyvalue *size = arguments_of (value, "torch", "Size");
  value = size ? item (size, 0, PYVALUE_TUPLE) : value;
  if (!value || value->kind != PYVALUE_TUPLE || value->items.count > WEIGHTS_RANK)
    return -1;
  for (size_t i = 0; i < value->items.count; i++)
    {
      const struct pyvalue *one = item (value, i, PYVALUE_INTEGER);
      if (!one || one->integer < 0)
        return -1;
      number[i] = one->integer;
    }
  return (int) value->items.count;
}

/* Whether all elements of TENSOR lie in its storage.  */
static bool
lies_within (const struct tensor *tensor)
{
  int64_t last = tensor->offset;
  for (int i = 0; i < tensor->rank; i++)
    {
      int64_t step;
      if (tensor->size[i] == 0)
        return true;
      if (__builtin_mul_overflow (tensor->size[i] - 1, tensor->stride[i], &step)
          || __builtin_add_overflow (last, step, &last))
        return false;
    }
  return (uint64_t) last < tensor->storage->elements;
}

/* The part of a storage that a view of it leaves out in front: older files may have views of views.  */
static int64_t
view_offset (const struct pyvalue *id)
{
  const struct pyvalue *offset = item (item (id, 5, PYVALUE_TUPLE), 1, PYVALUE_INTEGER);
  return offset ? offset->integer : 0;
}

static int
parse_tensor (const struct statedict *statedict, const struct pyvalue *value, struct tensor *tensor)
{
  const struct pyvalue *arguments = tensor_arguments (value), *persistent = item (arguments, 0, PYVALUE_PERSISTENT);
  const struct pyvalue *offset = item (arguments, 1, PYVALUE_INTEGER);
  struct storage storage;
  if (!persistent || !offset || offset->integer < 0 || arguments->items.count < 4
      || parse_storage (pyvalue_item (persistent, 0), &storage))
    return -1;
  tensor->storage = statedict_storage (statedict, storage.key, storage.length);
  tensor->rank = parse_numbers (pyvalue_item (arguments, 2), tensor->size);
  if (__builtin_add_overflow (offset->integer, view_offset (pyvalue_item (persistent, 0)), &tensor->offset)
      || tensor->offset < 0 || tensor->rank < 0
      || parse_numbers (pyvalue_item (arguments, 3), tensor->stride) != tensor->rank
      || storage.element != tensor->storage->element)
    return -1;
  return lies_within (tensor) ? 0 : -1;
}

/* The tensors of DICT, in its order.  */
static int
collect_tensors (struct statedict *statedict, const struct pyvalue *dict)
{
  const struct weights *weights = statedict->weights;
  if (!(statedict->tensor = calloc (count_tensors (dict) + 1, sizeof *statedict->tensor)))
    return error_set ("no memory for the tensors of '%s'; give the job more memory", weights->path);
  for (size_t i = 0; i + 1 < dict->items.count; i += 2)
    {
      const struct pyvalue *name = pyvalue_item (dict, i), *value = pyvalue_item (dict, i + 1);
      struct tensor *tensor = &statedict->tensor[statedict->tensors];
      if (!tensor_arguments (value))
        continue;
      if (name->kind != PYVALUE_TEXT || name->length > WEIGHTS_NAME_BYTES || memchr (name->text, 0, name->length))
        return weights_damaged (weights, "the name of tensor %zu is no text", statedict->tensors + 1);
      tensor->name = name->text;
      tensor->length = name->length;
      if (parse_tensor (statedict, value, tensor))
        return weights_damaged (weights, "the tensor '%.*s' does not lie in its storage", (int) name->length,
                                name->text);
      if (!tensor->storage->element)
        return error_set ("'%.*s' in '%s' is a torch.%.*s, which slabfit does not read; save it as float32",
                          (int) name->length, name->text, weights->path, (int) tensor->storage->type_length,
                          tensor->storage->type);
      tensor->storage->used = true;
      statedict->tensors++;
    }
  return 0;
}

/* The bytes of the prefix, where all names have it, or 0.  */
static size_t
common_prefix (const struct statedict *statedict)
{
  size_t length = sizeof prefix - 1;
  for (size_t i = 0; i < statedict->tensors; i++)
    if (statedict->tensor[i].length <= length || memcmp (statedict->tensor[i].name, prefix, length))
      return 0;
  return length;
}

static int
add_weights (struct statedict *statedict)
{
  size_t skipped = common_prefix (statedict);
  for (size_t i = 0; i < statedict->tensors; i++)
    {
      const struct tensor *tensor = &statedict->tensor[i];
      char *name = text_new ("%.*s", (int) (tensor->length - skipped), tensor->name + skipped);
      struct weight *weight = name ? weights_add (statedict->weights, name, tensor->rank, tensor->size) : NULL;
      free (name);
      if (!weight)
        return -1;
    }
  return 0;
}

struct statedict *
statedict_new (struct weights *weights, const struct pyvalue *root, const struct pyvalue_pool *pool)
{
  const struct pyvalue *dict = choose_dict (root, weights->path);
  struct statedict *statedict = dict ? calloc (1, sizeof *statedict) : NULL;
  if (!statedict)
    {
      if (dict)
        error_set ("no memory for the tensors of '%s'; give the job more memory", weights->path);
      return NULL;
    }
  statedict->weights = weights;
  if (collect_storages (statedict, pool) == 0 && collect_tensors (statedict, dict) == 0 && add_weights (statedict) == 0)
    return statedict;
  statedict_free (statedict);
  return NULL;
}

void
statedict_free (struct statedict *statedict)
{
  if (!statedict)
    return;
  free (statedict->storage);
  free (statedict->tensor);
  free (statedict);
}

static bool
is_contiguous (const struct tensor *tensor)
{
  int64_t stride = 1;
  for (int i = tensor->rank; i-- > 0; stride *= tensor->size[i])
    if (tensor->size[i] > 1 && tensor->stride[i] != stride)
      return false;
  return true;
}

/* TO (count) = the elements of TENSOR, the last index fastest.  */
static void
gather (const struct tensor *tensor, const unsigned char *data, bool big, float *to, size_t count)
{
  const struct element *element = tensor->storage->element;
  int64_t index[WEIGHTS_RANK] = { 0 }, place = tensor->offset;
  for (size_t k = 0; k < count; k++)
    {
      to[k] = element_value (element, data + (size_t) place * element->bytes, big);
      for (int i = tensor->rank; i-- > 0;)
        {
          if (++index[i] < tensor->size[i])
            {
              place += tensor->stride[i];
              break;
            }
          place -= (tensor->size[i] - 1) * tensor->stride[i]; /* of size 1 any stride may stand there */
          index[i] = 0;
        }
    }
}

int
statedict_fill (const struct statedict *statedict, struct storage *storage, const unsigned char *data, size_t length,
                bool big)
{
  if (storage->elements > length / storage->element->bytes)
    return weights_damaged (statedict->weights, "the storage '%.*s' has %zu bytes, less than its %zu elements need",
                            (int) storage->length, storage->key, length, (size_t) storage->elements);
  for (size_t i = 0; i < statedict->tensors; i++)
    {
      const struct tensor *tensor = &statedict->tensor[i];
      const struct weight *weight = &statedict->weights->weight[i];
      size_t count = weight_values (weight);
      if (tensor->storage != storage || count == 0)
        continue;
      if (is_contiguous (tensor))
        element_values (storage->element, data + (size_t) tensor->offset * storage->element->bytes, big, weight->value,
                        count);
      else
        gather (tensor, data, big, weight->value, count);
    }
  storage->read = true;
  return 0;
}

int
statedict_check (const struct statedict *statedict)
{
  for (size_t i = 0; i < statedict->storages; i++)
    {
      const struct storage *storage = &statedict->storage[i];
      if (storage->used && !storage->read)
        return weights_damaged (statedict->weights, "the storage '%.*s' is missing", (int) storage->length,
                                storage->key);
    }
  return 0;
}
