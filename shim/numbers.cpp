#include "numbers.hpp"

namespace
{

using torch::jit::AttributeKind;
using torch::jit::Node;

// Makes NODE's numbers those of TYPE: constants, and the type where a cast is written out.
void
convert_node (Node *node, at::ScalarType type)
{
  for (torch::jit::Block *block : node->blocks ())
    for (Node *inner : block->nodes ())
      convert_node (inner, type);
  if (node->kind () == torch::jit::prim::Constant && node->hasAttribute (torch::jit::attr::value)
      && node->kindOf (torch::jit::attr::value) == AttributeKind::t)
    {
      at::Tensor tensor = node->t (torch::jit::attr::value);
      if (tensor.is_floating_point () && tensor.dim () > 0)
        node->t_ (torch::jit::attr::value, tensor.to (type));
    }
  const torch::jit::FunctionSchema *schema = node->maybeSchema ();
  for (size_t i = 0; schema && i < schema->arguments ().size () && i < node->inputs ().size (); i++)
    {
      auto value = torch::jit::toIValue (node->input (i));
      if (schema->arguments ()[i].name () != "dtype" || !value || !value->isInt ()
          || !at::isFloatingType (value->toScalarType ()))
        continue;
      torch::jit::WithInsertPoint before (node);
      node->replaceInput (i, node->owningGraph ()->insertConstant (static_cast<int64_t> (type)));
    }
}

// Integers, such as indices, stay what they are, which torch::jit::Module::to would change too.
template <typename List>
void
convert_tensors (const List &tensors, at::ScalarType type)
{
  for (at::Tensor tensor : tensors)
    if (tensor.is_floating_point ())
      tensor.set_data (tensor.to (type));
}

} // namespace

void
convert (torch::jit::Module &module, at::ScalarType type)
{
  convert_tensors (module.parameters (), type);
  convert_tensors (module.buffers (), type);
  for (const torch::jit::Module &part : module.modules ())
    for (const torch::jit::Method &method : part.get_methods ())
      for (Node *node : method.graph ()->nodes ())
        convert_node (node, type);
}
