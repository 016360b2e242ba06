// Writing TorchScript files.
#include "guard.hpp"
#include "numbers.hpp"
#include "runner.hpp"

#include <torch/script.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <ostream>
#include <streambuf>

namespace
{

// Writes a file and keeps the first failure to itself: libtorch's archive writer, told of a full disk, throws again as
// it is cleaned up, which ends the process.
class quiet_file : public std::streambuf
{
public:
  explicit quiet_file (const char *path) : stream (fopen (path, "wbe")), failure (stream ? 0 : errno)
  {
  }
  ~quiet_file () override
  {
    close ();
  }

  // 0, or the errno of the first failure.
  int
  close ()
  {
    if (stream && fclose (stream) && failure == 0)
      failure = errno;
    stream = nullptr;
    return failure;
  }

protected:
  std::streamsize
  xsputn (const char *data, std::streamsize count) override
  {
    if (failure == 0 && fwrite (data, 1, static_cast<size_t> (count), stream) != static_cast<size_t> (count))
      failure = errno;
    return count;
  }

  int_type
  overflow (int_type byte) override
  {
    char data = traits_type::to_char_type (byte);
    xsputn (&data, 1);
    return traits_type::not_eof (byte);
  }

private:
  FILE *stream;
  int failure;
};

void
save (const torch::jit::Module &module, const char *path, const char *metadata)
{
  // By a stream: a file's name would become part of the archive, and so of its checksum.
  quiet_file file (path);
  std::ostream stream (&file);
  module.save (stream, { { metadata_name, metadata } });
  if (int failure = file.close ())
    throw std::runtime_error (std::string (strerror (failure)) + "; check the free space and the folder's permissions");
}

torch::jit::Module
build (const char *source, const network_tensor *tensors, size_t count)
{
  torch::jit::Module module ("Backbone");
  for (size_t i = 0; i < count; i++)
    {
      at::IntArrayRef size (tensors[i].size, static_cast<size_t> (tensors[i].rank));
      module.register_parameter (tensors[i].name, at::from_blob (const_cast<float *> (tensors[i].values), size), false);
    }
  module.define (source);
  module.eval ();
  return module;
}

// What a network's forward takes besides one tensor, or in its place; "" where it can be called with one.
std::string
describe_inputs (const c10::FunctionSchema &forward)
{
  const auto &arguments = forward.arguments ();
  if (arguments.size () < 2)
    return "no input";
  if (!c10::TensorType::get ()->isSubtypeOf (*arguments[1].type ()))
    return "a " + arguments[1].type ()->annotation_str ();
  for (size_t i = 2; i < arguments.size (); i++)
    if (!arguments[i].default_value ())
      return "'" + arguments[i].name () + "' as well";
  return "";
}

// TorchScript text for output number OUTPUT of y, a value of TYPE.
std::string
select_output (const c10::Type &type, int output)
{
  std::string number = std::to_string (output);
  switch (type.kind ())
    {
    case c10::TypeKind::TensorType:
      return "y";
    case c10::TypeKind::DictType:
      return "list(y.values())[" + number + "]";
    default:
      return "y[" + number + "]";
    }
}

// NETWORK in a module of its own kind, whose forward gives one pooled output.
torch::jit::Module
wrap (const torch::jit::Module &network, const c10::Type &type, int output, network_pool pool)
{
  static const char *const ends[] = { "z", "z.float().mean([2, 3])", "z.float().amax([2, 3])" };
  c10::QualifiedName name ("__torch__.slabfit.Wrapped");
  torch::jit::Module module (name, network._ivalue ()->compilation_unit (), true);
  module.register_module ("network", network);
  module.define ("def forward(self, x: Tensor) -> Tensor:\n    y = self.network.forward(x)\n    z = "
                 + select_output (type, output) + "\n    return " + ends[pool] + "\n");
  module.eval ();
  return module;
}

// The network in PATH, in float32 for a processor.
torch::jit::Module
load_wide (const char *path)
{
  torch::jit::Module network = torch::jit::load (path, at::kCPU);
  network.eval ();
  convert (network, at::kFloat);
  return network;
}

void
add_output (network_trial *trial, const std::string &key, const c10::IValue &value)
{
  size_t number = trial->outputs++;
  if (number >= NETWORK_OUTPUTS)
    return;
  network_output *output = &trial->output[number];
  snprintf (output->key, sizeof output->key, "%s", key.c_str ());
  output->rank = -1;
  if (!value.isTensor () || value.toTensor ().dim () > NETWORK_OUTPUT_RANK)
    return;
  at::IntArrayRef sizes = value.toTensor ().sizes ();
  output->rank = static_cast<int> (sizes.size ());
  std::copy (sizes.begin (), sizes.end (), output->size);
}

// Lists the outputs in VALUE and returns them.
std::vector<c10::IValue>
list_outputs (network_trial *trial, const c10::IValue &value)
{
  std::vector<c10::IValue> outputs;
  if (value.isTuple ())
    outputs = value.toTupleRef ().elements ().vec ();
  else if (value.isList ())
    outputs = value.toListRef ().vec ();
  else if (value.isGenericDict ())
    for (const auto &entry : value.toGenericDict ())
      {
        outputs.push_back (entry.value ());
        add_output (trial, entry.key ().isString () ? entry.key ().toStringRef () : "", entry.value ());
      }
  else
    outputs = { value };
  for (size_t i = trial->outputs; i < outputs.size (); i++)
    add_output (trial, "", outputs[i]);
  return outputs;
}

void
set_shape (network_trial *trial, const at::Tensor &output, const at::Tensor &images, network_pool pool)
{
  at::Tensor row = arrange_rows (output, images, pool)[0];
  if (!at::isfinite (row).all ().item<bool> ())
    throw std::runtime_error ("its values are not finite; its weights may be damaged: copy or export it again");
  trial->shape.rank = static_cast<int> (row.dim ());
  std::copy (row.sizes ().begin (), row.sizes ().end (), trial->shape.size);
}

// The output that is asked for, of a trial run.
at::Tensor
choose_output (const std::vector<c10::IValue> &outputs, int output, network_pool pool)
{
  size_t number = static_cast<size_t> (output);
  if (number >= outputs.size ())
    throw std::runtime_error ("it has no output " + std::to_string (output) + "; outputs are counted from 0");
  if (!outputs[number].isTensor ())
    throw std::runtime_error ("output " + std::to_string (output) + " is a " + outputs[number].tagKind ()
                              + ", not a tensor; choose another one by --output");
  at::Tensor tensor = outputs[number].toTensor ();
  if (pool != NETWORK_POOL_NONE && tensor.dim () != 4)
    throw std::runtime_error ("output " + std::to_string (output) + " is " + c10::str (tensor.sizes ())
                              + ", which has no height and width to pool; leave --pool out");
  return tensor;
}

} // namespace

struct network_draft {
  torch::jit::Module module;
};

EXPORT int
network_build (const char *path, const char *source, const network_tensor *tensors, size_t count, const char *metadata,
               char error[NETWORK_ERROR_BYTES])
{
  return guard (error, [&] {
    save (build (source, tensors, count), path, metadata);
    return 0;
  });
}

EXPORT int
network_draft_build (network_draft **draft, const char *source, const network_tensor *tensors, size_t count, int height,
                     int width, network_trial *trial, char error[NETWORK_ERROR_BYTES])
{
  return guard (error, [&] {
    c10::InferenceMode inference;
    torch::jit::Module module = build (source, tensors, count);
    at::Tensor images = at::zeros ({ 1, 3, height, width });
    set_shape (trial, module.forward ({ images }).toTensor (), images, NETWORK_POOL_NONE);
    *draft = new network_draft{ module };
    return 0;
  });
}

EXPORT int
network_draft_wrap (network_draft **draft, const char *path, int output, network_pool pool, int height, int width,
                    network_trial *trial, char error[NETWORK_ERROR_BYTES])
{
  torch::jit::Module network, wide;
  auto load = [&] {
    network = torch::jit::load (path, at::kCPU);
    wide = load_wide (path);
    return 0;
  };
  auto make = [&] {
    const c10::FunctionSchema &forward = network.get_method ("forward").function ().getSchema ();
    std::string inputs = describe_inputs (forward);
    if (!inputs.empty ())
      throw std::runtime_error ("its forward takes " + inputs + ", not one tensor of images; export it with one input");
    c10::InferenceMode inference;
    at::Tensor images = at::zeros ({ 1, 3, height, width });
    std::vector<c10::IValue> outputs = list_outputs (trial, wide.forward ({ images }));
    set_shape (trial, choose_output (outputs, output, pool), images, pool);
    *draft = new network_draft{ wrap (network, *forward.returns ()[0].type (), output, pool) };
    return 0;
  };
  return guard (error, load, "; give a TorchScript file") ? -1 : guard (error, make);
}

EXPORT int
network_draft_write (const network_draft *draft, const char *path, const char *metadata,
                     char error[NETWORK_ERROR_BYTES])
{
  return guard (error, [&] {
    save (draft->module, path, metadata);
    return 0;
  });
}

EXPORT void
network_draft_close (network_draft *draft)
{
  delete draft;
}
