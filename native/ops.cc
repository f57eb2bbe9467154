// Calls any operator of libtorch by schema name, through the boxed dispatcher.
#include "addon.h"

#include <ATen/core/dispatch/Dispatcher.h>

#include <cmath>
#include <deque>
#include <mutex>
#include <unordered_map>

namespace redistill {
namespace {

using c10::IValue;
using c10::TypeKind;

struct Operator {
  c10::OperatorHandle handle;
  std::string name;
};

struct Operators {
  std::mutex mutex;
  std::deque<Operator> all;
  std::unordered_map<std::string, size_t> byName;
};

Operators& operators() {
  static Operators* instance = new Operators();
  return *instance;
}

const Operator& operatorOf(napi_env env, napi_value id) {
  Operators& ops = operators();
  std::lock_guard<std::mutex> lock(ops.mutex);
  const auto index = static_cast<size_t>(integer(env, id));
  if (index >= ops.all.size()) throw JsError("ERR_ARGUMENT", "unknown operator id");
  return ops.all[index];
}

// A number with an integral value becomes an integer scalar, as a literal does in Python. Where a kernel would choose a
// dtype by that (full, arange), callers pass the dtype.
c10::Scalar scalar(napi_env env, napi_value value) {
  napi_valuetype type;
  check(env, napi_typeof(env, value, &type));
  if (type == napi_boolean) return c10::Scalar(boolean(env, value));
  if (type == napi_bigint) return c10::Scalar(integer(env, value));
  const double x = number(env, value);
  if (std::trunc(x) == x && std::abs(x) < 9007199254740992.0) return c10::Scalar(static_cast<int64_t>(x));
  return c10::Scalar(x);
}

IValue convert(napi_env env, napi_value value, const c10::Type& type, const char* where) {
  switch (type.kind()) {
    case TypeKind::TensorType:
      return tensorOf(env, value, where);
    case TypeKind::IntType:
    case TypeKind::SymIntType:
      return integer(env, value);
    case TypeKind::FloatType:
      return number(env, value);
    case TypeKind::BoolType:
      return boolean(env, value);
    case TypeKind::NumberType:
      return scalar(env, value);
    case TypeKind::StringType:
      return text(env, value);
    case TypeKind::DeviceObjType:
      return c10::Device(text(env, value));
    case TypeKind::AnyType: {
      napi_valuetype jsType;
      check(env, napi_typeof(env, value, &jsType));
      return jsType == napi_string ? IValue(text(env, value)) : IValue(tensorOf(env, value, where));
    }
    case TypeKind::OptionalType: {
      if (isNullish(env, value)) return IValue();
      return convert(env, value, *type.expectRef<c10::OptionalType>().getElementType(), where);
    }
    case TypeKind::ListType: {
      const c10::TypePtr item = type.expectRef<c10::ListType>().getElementType();
      bool isArray;
      check(env, napi_is_array(env, value, &isArray));
      const uint32_t size = isArray ? length(env, value) : 1;
      auto at = [&](uint32_t i) { return isArray ? element(env, value, i) : value; };  // a bare number stands for a list of one
      switch (item->kind()) {
        case TypeKind::TensorType: {
          c10::List<at::Tensor> list;
          list.reserve(size);
          for (uint32_t i = 0; i < size; i++) list.push_back(tensorOf(env, at(i), where));
          return list;
        }
        case TypeKind::IntType:
        case TypeKind::SymIntType: {
          c10::List<int64_t> list;
          list.reserve(size);
          for (uint32_t i = 0; i < size; i++) list.push_back(integer(env, at(i)));
          return list;
        }
        case TypeKind::FloatType: {
          c10::List<double> list;
          for (uint32_t i = 0; i < size; i++) list.push_back(number(env, at(i)));
          return list;
        }
        case TypeKind::BoolType: {
          c10::List<bool> list;
          for (uint32_t i = 0; i < size; i++) list.push_back(boolean(env, at(i)));
          return list;
        }
        default: {
          c10::impl::GenericList list(item);
          for (uint32_t i = 0; i < size; i++) list.push_back(convert(env, at(i), *item, where));
          return list;
        }
      }
    }
    default:
      throw JsError("ERR_ARGUMENT", "arguments of type " + type.str() + " are not supported");
  }
}

napi_value convert(napi_env env, const IValue& value) {
  if (value.isTensor()) return wrap(env, value.toTensor());
  if (value.isNone()) return undefined(env);
  if (value.isInt()) return toJs(env, static_cast<double>(value.toInt()));
  if (value.isDouble()) return toJs(env, value.toDouble());
  if (value.isBool()) return toJs(env, value.toBool());
  if (value.isString()) return toJs(env, value.toStringRef());
  if (value.isScalar()) return toJs(env, value.toScalar().toDouble());
  if (value.isSymInt()) return toJs(env, static_cast<double>(value.toSymInt().expect_int()));
  if (value.isList()) {
    const auto list = value.toListRef();
    napi_value result = array(env, list.size());
    for (uint32_t i = 0; i < list.size(); i++) set(env, result, i, convert(env, list[i]));
    return result;
  }
  throw JsError("ERR_TORCH", "results of type " + value.tagKind() + " are not supported");
}

// resolve("aten::add.Tensor") → id, or undefined when this libtorch has no such operator.
napi_value resolve(napi_env env, size_t, napi_value* argv) {
  const std::string name = text(env, argv[0]);
  Operators& ops = operators();
  std::lock_guard<std::mutex> lock(ops.mutex);
  const auto known = ops.byName.find(name);
  if (known != ops.byName.end()) return toJs(env, static_cast<double>(known->second));
  const size_t dot = name.find('.');
  const auto found = c10::Dispatcher::singleton().findSchema(
      {name.substr(0, dot), dot == std::string::npos ? "" : name.substr(dot + 1)});
  if (!found) return undefined(env);
  ops.all.push_back({*found, name});
  ops.byName[name] = ops.all.size() - 1;
  return toJs(env, static_cast<double>(ops.all.size() - 1));
}

napi_value schema(napi_env env, size_t, napi_value* argv) {
  std::ostringstream out;
  out << operatorOf(env, argv[0]).handle.schema();
  return toJs(env, out.str());
}

napi_value listOps(napi_env env, size_t, napi_value* argv) {
  const std::string prefix = text(env, argv[0]);
  std::vector<std::string> names;
  for (const auto& name : c10::Dispatcher::singleton().getAllOpNames()) {
    std::string full = name.name + (name.overload_name.empty() ? "" : "." + name.overload_name);
    if (full.rfind(prefix, 0) == 0) names.push_back(std::move(full));
  }
  std::sort(names.begin(), names.end());
  napi_value result = array(env, names.size());
  for (uint32_t i = 0; i < names.size(); i++) set(env, result, i, toJs(env, names[i]));
  return result;
}

// call(id, ...args): positional in schema order; undefined takes the schema's default.
napi_value call(napi_env env, size_t argc, napi_value* argv) {
  const Operator& op = operatorOf(env, argv[0]);
  const auto& schema = op.handle.schema();
  const auto& arguments = schema.arguments();
  if (argc - 1 > arguments.size()) throw JsError("ERR_ARGUMENT", op.name + ": too many arguments");
  c10::Stack stack;
  stack.reserve(std::max(arguments.size(), schema.returns().size()));
  for (size_t i = 0; i < arguments.size(); i++) {
    const auto& argument = arguments[i];
    napi_valuetype type = napi_undefined;
    if (i + 1 < argc) check(env, napi_typeof(env, argv[i + 1], &type));
    if (type == napi_undefined) {
      if (argument.default_value()) {
        stack.push_back(*argument.default_value());
        continue;
      }
      if (argument.type()->kind() == TypeKind::OptionalType) {
        stack.emplace_back();
        continue;
      }
      throw JsError("ERR_ARGUMENT", op.name + ": argument '" + argument.name() + "' is missing");
    }
    try {
      stack.push_back(convert(env, argv[i + 1], *argument.type(), argument.name().c_str()));
    } catch (const JsError& error) {
      throw JsError(error.code, op.name + ", argument '" + argument.name() + "': " + error.what());
    }
  }
  op.handle.callBoxed(&stack);
  if (stack.empty()) return undefined(env);
  if (stack.size() == 1) return convert(env, stack[0]);
  napi_value result = array(env, stack.size());
  for (uint32_t i = 0; i < stack.size(); i++) set(env, result, i, convert(env, stack[i]));
  return result;
}

}  // namespace

void defineOps(napi_env env, napi_value exports) {
  define(env, exports, "resolve", resolve);
  define(env, exports, "schema", schema);
  define(env, exports, "listOps", listOps);
  define(env, exports, "call", call);
}

}  // namespace redistill
