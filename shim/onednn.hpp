// oneDNN, versions 2 and 3, on the processor.
#ifndef SLABFIT_ONEDNN_HPP
#define SLABFIT_ONEDNN_HPP

#include <dnnl.hpp>

#include <unordered_map>

using dnnl::memory;
using arguments = std::unordered_map<int, memory>;
constexpr auto inference = dnnl::prop_kind::forward_inference;

// What the versions write in different ways; ATTRIBUTES are those of the caller.
#if DNNL_VERSION_MAJOR < 3
#define DESCRIBE(operation, ...) operation::primitive_desc (operation::desc (__VA_ARGS__), attributes, place ())
#define APPEND_ELTWISE(operations, ...) operations.append_eltwise (1, __VA_ARGS__)
#define DESCRIBE_CONCATENATION(...) dnnl::concat::primitive_desc (__VA_ARGS__, place (), attributes)
#define DESCRIBE_ELTWISE(how, values, ...) DESCRIBE (dnnl::eltwise_forward, inference, how, values, __VA_ARGS__)
using pooling = dnnl::pooling_v2_forward;
#else
#define DESCRIBE(operation, ...) operation::primitive_desc (place (), __VA_ARGS__, attributes)
#define APPEND_ELTWISE(operations, ...) operations.append_eltwise (__VA_ARGS__)
#define DESCRIBE_CONCATENATION(...) dnnl::concat::primitive_desc (place (), __VA_ARGS__, attributes)
#define DESCRIBE_ELTWISE(how, values, ...) DESCRIBE (dnnl::eltwise_forward, inference, how, values, values, __VA_ARGS__)
using pooling = dnnl::pooling_forward;
#endif

inline dnnl::engine &
place ()
{
  static dnnl::engine engine (dnnl::engine::kind::cpu, 0);
  return engine;
}

#endif
