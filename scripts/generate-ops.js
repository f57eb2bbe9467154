/**
 * @file Writes src/torch/ops.ts: a typed function for each operator below, from the schemas of the libtorch in use.
 * Run it after adding a line:  npm run build && node scripts/generate-ops.js && npm run format
 */
import { writeFileSync } from 'node:fs';
import { native } from '../dist/torch/native.js';
import { schemaArguments } from '../dist/torch/op.js';

/** Maps our names to operators and overloads. */
const operators = {
  // arithmetic
  add: 'aten::add.Tensor',
  addScalar: 'aten::add.Scalar',
  add_: 'aten::add_.Tensor',
  sub: 'aten::sub.Tensor',
  sub_: 'aten::sub_.Tensor',
  mul: 'aten::mul.Tensor',
  mulScalar: 'aten::mul.Scalar',
  mul_: 'aten::mul_.Tensor',
  mulScalar_: 'aten::mul_.Scalar',
  div: 'aten::div.Tensor',
  divScalar: 'aten::div.Scalar',
  neg: 'aten::neg',
  abs: 'aten::abs',
  clampMin_: 'aten::clamp_min_',
  exp_: 'aten::exp_',
  log: 'aten::log',
  cos: 'aten::cos',
  sin: 'aten::sin',
  sqrt: 'aten::sqrt',
  rsqrt: 'aten::rsqrt',
  silu: 'aten::silu',
  gelu: 'aten::gelu',
  // products
  mm: 'aten::mm',
  mmOut: 'aten::mm.out',
  addmm_: 'aten::addmm_',
  mmDtypeOut: 'aten::mm.dtype_out',
  addmmDtypeOut: 'aten::addmm.dtype_out',
  linear: 'aten::linear',
  outer: 'aten::outer',
  // reductions
  sum: 'aten::sum',
  sumDim: 'aten::sum.dim_IntList',
  mean: 'aten::mean',
  meanDim: 'aten::mean.dim',
  amax: 'aten::amax',
  argmax: 'aten::argmax',
  maxDim: 'aten::max.dim',
  softmax: 'aten::softmax.int',
  logSoftmax: 'aten::log_softmax.int',
  cumsum: 'aten::cumsum',
  topk: 'aten::topk',
  searchsorted: 'aten::searchsorted.Tensor',
  norm: 'aten::linalg_vector_norm',
  // comparison and choice
  equal: 'aten::equal',
  leScalar: 'aten::le.Scalar',
  gtScalar: 'aten::gt.Scalar',
  ltScalar: 'aten::lt.Scalar',
  ge: 'aten::ge.Tensor',
  logicalAnd: 'aten::logical_and',
  logicalOr: 'aten::logical_or',
  maskedFill: 'aten::masked_fill.Scalar',
  // indexing and layout
  embedding: 'aten::embedding',
  indexSelect: 'aten::index_select',
  indexAdd_: 'aten::index_add_',
  indexCopy_: 'aten::index_copy_',
  gather: 'aten::gather',
  scatterAdd_: 'aten::scatter_add_',
  cat: 'aten::cat',
  repeatInterleave: 'aten::repeat_interleave.self_int',
  stack: 'aten::stack',
  chunk: 'aten::chunk',
  splitWithSizes: 'aten::split_with_sizes',
  narrow: 'aten::narrow',
  view: 'aten::view',
  viewDtype: 'aten::view.dtype',
  reshape: 'aten::reshape',
  transpose: 'aten::transpose.int',
  t: 'aten::t',
  unsqueeze: 'aten::unsqueeze',
  squeeze: 'aten::squeeze.dim',
  contiguous: 'aten::contiguous',
  // creation and copies
  arange: 'aten::arange.start_step',
  full: 'aten::full',
  zeros: 'aten::zeros',
  ones: 'aten::ones',
  empty: 'aten::empty.memory_format',
  emptyLike: 'aten::empty_like',
  zerosLike: 'aten::zeros_like',
  randn: 'aten::randn',
  rand: 'aten::rand',
  toDtype: 'aten::to.dtype',
  toDevice: 'aten::to.device',
  clone: 'aten::clone',
  detach: 'aten::detach',
  copy_: 'aten::copy_',
  set_: 'aten::set_',
  setTo_: 'aten::set_.source_Tensor',
  resize_: 'aten::resize_',
  fill_: 'aten::fill_.Scalar',
  // model parts
  scaledDotProductAttention: 'aten::scaled_dot_product_attention',
  flashAttentionForward: 'aten::_flash_attention_forward',
  rmsNorm: 'aten::rms_norm',
  fusedRmsNorm: 'aten::_fused_rms_norm',
  // our own (native/kernels)
  attention: 'redistill::attention',
  hasProducts: 'redistill::has_products',
  widensFactors: 'redistill::widens_factors',
  widenFactors: 'redistill::widen_factors',
  linearRows: 'redistill::linear',
  linearRowsOut: 'redistill::linear_out',
  linearInputGradOut: 'redistill::linear_input_grad',
  linearWeightGrad_: 'redistill::linear_weight_grad',
  glu: 'redistill::glu',
  rotate: 'redistill::rotate',
  softmaxGrad_: 'redistill::softmax_grad',
  rmsNormRows: 'redistill::rms_norm',
  rmsNormBackward_: 'redistill::rms_norm_backward',
  addRmsNorm_: 'redistill::add_rms_norm',
  addRmsNormBackward_: 'redistill::add_rms_norm_backward',
  targetLogps: 'redistill::target_logps',
  fewRows: 'redistill::few_rows',
  attendSlots: 'redistill::attend_slots',
  choose: 'redistill::choose',
  useHugePages: 'redistill::use_huge_pages',
  exactLinear: 'redistill::exact_linear',
  exactNorm: 'redistill::exact_norm',
  exactGlu: 'redistill::exact_glu',
  exactRotate: 'redistill::exact_rotate',
  exactLogps: 'redistill::exact_logps',
  constantPadNd: 'aten::constant_pad_nd',
  cudnnAttention: 'aten::_scaled_dot_product_cudnn_attention',
  // optimizer
  fusedAdamw_: 'aten::_fused_adamw_',
  adamwInOnePass_: 'redistill::adamw',
  foreachAdd_: 'aten::_foreach_add_.List',
  foreachAddScalar_: 'aten::_foreach_add_.Scalar',
  foreachMul_: 'aten::_foreach_mul_.Tensor',
  foreachCopy_: 'aten::_foreach_copy_',
  foreachZero_: 'aten::_foreach_zero_',
  foreachNorm: 'aten::_foreach_norm.Scalar',
  // collectives
  allReduce_: '_c10d_functional::all_reduce_',
  allGather: '_c10d_functional::all_gather_into_tensor',
  reduceScatter: '_c10d_functional::reduce_scatter_tensor',
  broadcast_: '_c10d_functional::broadcast_',
  waitTensor: '_c10d_functional::wait_tensor',
};

const plain = {
  int: 'number',
  SymInt: 'number',
  float: 'number',
  bool: 'boolean',
  str: 'string',
  Any: 'string',
  Scalar: 'number',
  Device: 'string',
  ScalarType: 'Dtype',
  Layout: 'number',
  MemoryFormat: 'number',
};

/** Returns the TypeScript type and conversion of a schema argument; undefined where it has none. */
function conversion(type, expression) {
  const optional = type.endsWith('?');
  const base = optional ? type.slice(0, -1) : type;
  const list = /^(.*?)\[\d*\]$/.exec(base);
  const or = optional ? ' | null' : '';
  if (base === 'Tensor')
    return [`Tensor${or}`, optional ? `(${expression}?.handle ?? null)` : `${expression}.handle`];
  if (list && list[1] === 'Tensor') return [`readonly Tensor[]${or}`, `handles(${expression})`];
  if (list) return [`readonly ${plain[list[1]]}[]${or}`, expression];
  if (base === 'ScalarType') return [`Dtype${or}`, `code(${expression})`];
  if (!(base in plain)) return undefined;
  return [`${plain[base]}${or}`, expression];
}

/** Returns the TypeScript type and conversion of the results. */
function returned(schema) {
  const type = schema
    .slice(schema.lastIndexOf(') -> ') + 5)
    .replace(/\([a-z][a-z!| >*-]*\)/g, '')
    .trim();
  if (type === '()') return ['void', (call) => `${call};`];
  if (type === 'Tensor') return ['Tensor', (call) => `return wrap(${call});`];
  if (type === 'Tensor[]') return ['Tensor[]', (call) => `return tensorList(${call});`];
  if (type === 'bool') return ['boolean', (call) => `return ${call} as boolean;`];
  const parts = type
    .replace(/^\(|\)$/g, '')
    .split(',')
    .map((part) => part.trim().split(' ')[0]);
  if (parts.every((part) => part === 'Tensor')) {
    return [
      `[${parts.map(() => 'Tensor').join(', ')}]`,
      (call) => `return tensorList(${call}) as [${parts.map(() => 'Tensor').join(', ')}];`,
    ];
  }
  // Of results of several kinds the first is passed on.
  if (parts[0] === 'Tensor') return ['Tensor', (call) => `return firstTensor(${call});`];
  throw new Error(`return type ${type} of ${schema}`);
}

const camel = (name) => name.replace(/_+([a-z])/g, (_, letter) => letter.toUpperCase());
const reserved = new Set(['in', 'with', 'function', 'default']);
const safe = (name) =>
  name === 'self' ? 'self' : reserved.has(camel(name)) ? `${camel(name)}Value` : camel(name);

const out = [];
for (const [name, operator] of Object.entries(operators)) {
  const id = native.resolve(operator);
  if (id === undefined) throw new Error(`no operator ${operator}`);
  const schema = native.schema(id);
  const constant = `${name.replace(/_$/, 'InPlace')}Op`;
  const positional = [];
  const options = [];
  const passed = [];
  for (const argument of schemaArguments(schema)) {
    const own = safe(argument.name);
    const converted = conversion(argument.type, argument.keywordOnly ? `options.${own}` : own);
    if (!converted) {
      passed.push('undefined'); // a type that is not supported (Generator): the schema's default
      continue;
    }
    const [type, expression] = converted;
    const may = argument.hasDefault;
    if (argument.keywordOnly) {
      const isTensorLike = expression.includes('handle');
      options.push(`${own}${may ? '?' : ''}: ${type}`);
      passed.push(
        may && isTensorLike
          ? `options.${own} == null ? undefined : ${type.startsWith('readonly') ? `handles(options.${own})` : `options.${own}.handle`}`
          : expression,
      );
    } else {
      positional.push(`${own}${may ? '?' : ''}: ${type}`);
      passed.push(
        may && expression.includes('handle')
          ? `${own} == null ? undefined : ${type.startsWith('readonly') ? `handles(${own})` : `${own}.handle`}`
          : expression,
      );
    }
  }
  while (passed.at(-1) === 'undefined') passed.pop();
  const required = options.some((option) => !option.includes('?:'));
  const parameters = [
    ...positional,
    ...(options.length ? [`options: { ${options.join('; ')} }${required ? '' : ' = {}'}`] : []),
  ];
  const [type, body] = returned(schema);
  out.push(`const ${constant} = new Op('${operator}', ${JSON.stringify(schema)});

/** \`${schema}\` */
export function ${name}(${parameters.join(', ')}): ${type} {
  ${body(`invoke(${[constant, ...passed].join(', ')})`)}
}
`);
}

writeFileSync(
  new URL('../src/torch/ops.ts', import.meta.url),
  `/**
 * @file Calls libtorch's operators, one typed function each.
 * Written by scripts/generate-ops.js from libtorch ${native.version()}: add operators there.
 */
import { dtypeCodes, type Dtype } from './dtype.js';
import { firstTensor, handles, invoke, Op, tensorList, wrap } from './op.js';
import type { Tensor } from './tensor.js';

function code(dtype: Dtype | null | undefined): number | null | undefined {
  return dtype && dtypeCodes[dtype];
}

${out.join('\n')}`,
);
