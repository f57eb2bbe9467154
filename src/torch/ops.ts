/**
 * @file Calls libtorch's operators, one typed function each.
 * Written by scripts/generate-ops.js from libtorch 2.11.0: add operators there.
 */
import { dtypeCodes, type Dtype } from './dtype.js';
import { firstTensor, handles, invoke, Op, tensorList, wrap } from './op.js';
import type { Tensor } from './tensor.js';

function code(dtype: Dtype | null | undefined): number | null | undefined {
  return dtype && dtypeCodes[dtype];
}

const addOp = new Op(
  'aten::add.Tensor',
  'aten::add.Tensor(Tensor self, Tensor other, *, Scalar alpha=1) -> Tensor',
);

/** `aten::add.Tensor(Tensor self, Tensor other, *, Scalar alpha=1) -> Tensor` */
export function add(self: Tensor, other: Tensor, options: { alpha?: number } = {}): Tensor {
  return wrap(invoke(addOp, self.handle, other.handle, options.alpha));
}

const addScalarOp = new Op(
  'aten::add.Scalar',
  'aten::add.Scalar(Tensor self, Scalar other, Scalar alpha=1) -> Tensor',
);

/** `aten::add.Scalar(Tensor self, Scalar other, Scalar alpha=1) -> Tensor` */
export function addScalar(self: Tensor, other: number, alpha?: number): Tensor {
  return wrap(invoke(addScalarOp, self.handle, other, alpha));
}

const addInPlaceOp = new Op(
  'aten::add_.Tensor',
  'aten::add_.Tensor(Tensor(a!) self, Tensor other, *, Scalar alpha=1) -> Tensor(a!)',
);

/** `aten::add_.Tensor(Tensor(a!) self, Tensor other, *, Scalar alpha=1) -> Tensor(a!)` */
export function add_(self: Tensor, other: Tensor, options: { alpha?: number } = {}): Tensor {
  return wrap(invoke(addInPlaceOp, self.handle, other.handle, options.alpha));
}

const subOp = new Op(
  'aten::sub.Tensor',
  'aten::sub.Tensor(Tensor self, Tensor other, *, Scalar alpha=1) -> Tensor',
);

/** `aten::sub.Tensor(Tensor self, Tensor other, *, Scalar alpha=1) -> Tensor` */
export function sub(self: Tensor, other: Tensor, options: { alpha?: number } = {}): Tensor {
  return wrap(invoke(subOp, self.handle, other.handle, options.alpha));
}

const subInPlaceOp = new Op(
  'aten::sub_.Tensor',
  'aten::sub_.Tensor(Tensor(a!) self, Tensor other, *, Scalar alpha=1) -> Tensor(a!)',
);

/** `aten::sub_.Tensor(Tensor(a!) self, Tensor other, *, Scalar alpha=1) -> Tensor(a!)` */
export function sub_(self: Tensor, other: Tensor, options: { alpha?: number } = {}): Tensor {
  return wrap(invoke(subInPlaceOp, self.handle, other.handle, options.alpha));
}

const mulOp = new Op('aten::mul.Tensor', 'aten::mul.Tensor(Tensor self, Tensor other) -> Tensor');

/** `aten::mul.Tensor(Tensor self, Tensor other) -> Tensor` */
export function mul(self: Tensor, other: Tensor): Tensor {
  return wrap(invoke(mulOp, self.handle, other.handle));
}

const mulScalarOp = new Op('aten::mul.Scalar', 'aten::mul.Scalar(Tensor self, Scalar other) -> Tensor');

/** `aten::mul.Scalar(Tensor self, Scalar other) -> Tensor` */
export function mulScalar(self: Tensor, other: number): Tensor {
  return wrap(invoke(mulScalarOp, self.handle, other));
}

const mulInPlaceOp = new Op(
  'aten::mul_.Tensor',
  'aten::mul_.Tensor(Tensor(a!) self, Tensor other) -> Tensor(a!)',
);

/** `aten::mul_.Tensor(Tensor(a!) self, Tensor other) -> Tensor(a!)` */
export function mul_(self: Tensor, other: Tensor): Tensor {
  return wrap(invoke(mulInPlaceOp, self.handle, other.handle));
}

const mulScalarInPlaceOp = new Op(
  'aten::mul_.Scalar',
  'aten::mul_.Scalar(Tensor(a!) self, Scalar other) -> Tensor(a!)',
);

/** `aten::mul_.Scalar(Tensor(a!) self, Scalar other) -> Tensor(a!)` */
export function mulScalar_(self: Tensor, other: number): Tensor {
  return wrap(invoke(mulScalarInPlaceOp, self.handle, other));
}

const divOp = new Op('aten::div.Tensor', 'aten::div.Tensor(Tensor self, Tensor other) -> Tensor');

/** `aten::div.Tensor(Tensor self, Tensor other) -> Tensor` */
export function div(self: Tensor, other: Tensor): Tensor {
  return wrap(invoke(divOp, self.handle, other.handle));
}

const divScalarOp = new Op('aten::div.Scalar', 'aten::div.Scalar(Tensor self, Scalar other) -> Tensor');

/** `aten::div.Scalar(Tensor self, Scalar other) -> Tensor` */
export function divScalar(self: Tensor, other: number): Tensor {
  return wrap(invoke(divScalarOp, self.handle, other));
}

const negOp = new Op('aten::neg', 'aten::neg(Tensor self) -> Tensor');

/** `aten::neg(Tensor self) -> Tensor` */
export function neg(self: Tensor): Tensor {
  return wrap(invoke(negOp, self.handle));
}

const absOp = new Op('aten::abs', 'aten::abs(Tensor self) -> Tensor');

/** `aten::abs(Tensor self) -> Tensor` */
export function abs(self: Tensor): Tensor {
  return wrap(invoke(absOp, self.handle));
}

const clampMinInPlaceOp = new Op(
  'aten::clamp_min_',
  'aten::clamp_min_(Tensor(a!) self, Scalar min) -> Tensor(a!)',
);

/** `aten::clamp_min_(Tensor(a!) self, Scalar min) -> Tensor(a!)` */
export function clampMin_(self: Tensor, min: number): Tensor {
  return wrap(invoke(clampMinInPlaceOp, self.handle, min));
}

const expInPlaceOp = new Op('aten::exp_', 'aten::exp_(Tensor(a!) self) -> Tensor(a!)');

/** `aten::exp_(Tensor(a!) self) -> Tensor(a!)` */
export function exp_(self: Tensor): Tensor {
  return wrap(invoke(expInPlaceOp, self.handle));
}

const logOp = new Op('aten::log', 'aten::log(Tensor self) -> Tensor');

/** `aten::log(Tensor self) -> Tensor` */
export function log(self: Tensor): Tensor {
  return wrap(invoke(logOp, self.handle));
}

const cosOp = new Op('aten::cos', 'aten::cos(Tensor self) -> Tensor');

/** `aten::cos(Tensor self) -> Tensor` */
export function cos(self: Tensor): Tensor {
  return wrap(invoke(cosOp, self.handle));
}

const sinOp = new Op('aten::sin', 'aten::sin(Tensor self) -> Tensor');

/** `aten::sin(Tensor self) -> Tensor` */
export function sin(self: Tensor): Tensor {
  return wrap(invoke(sinOp, self.handle));
}

const sqrtOp = new Op('aten::sqrt', 'aten::sqrt(Tensor self) -> Tensor');

/** `aten::sqrt(Tensor self) -> Tensor` */
export function sqrt(self: Tensor): Tensor {
  return wrap(invoke(sqrtOp, self.handle));
}

const rsqrtOp = new Op('aten::rsqrt', 'aten::rsqrt(Tensor self) -> Tensor');

/** `aten::rsqrt(Tensor self) -> Tensor` */
export function rsqrt(self: Tensor): Tensor {
  return wrap(invoke(rsqrtOp, self.handle));
}

const siluOp = new Op('aten::silu', 'aten::silu(Tensor self) -> Tensor');

/** `aten::silu(Tensor self) -> Tensor` */
export function silu(self: Tensor): Tensor {
  return wrap(invoke(siluOp, self.handle));
}

const geluOp = new Op('aten::gelu', 'aten::gelu(Tensor self, *, str approximate="none") -> Tensor');

/** `aten::gelu(Tensor self, *, str approximate="none") -> Tensor` */
export function gelu(self: Tensor, options: { approximate?: string } = {}): Tensor {
  return wrap(invoke(geluOp, self.handle, options.approximate));
}

const mmOp = new Op('aten::mm', 'aten::mm(Tensor self, Tensor mat2) -> Tensor');

/** `aten::mm(Tensor self, Tensor mat2) -> Tensor` */
export function mm(self: Tensor, mat2: Tensor): Tensor {
  return wrap(invoke(mmOp, self.handle, mat2.handle));
}

const mmOutOp = new Op(
  'aten::mm.out',
  'aten::mm.out(Tensor self, Tensor mat2, *, Tensor(a!) out) -> Tensor(a!)',
);

/** `aten::mm.out(Tensor self, Tensor mat2, *, Tensor(a!) out) -> Tensor(a!)` */
export function mmOut(self: Tensor, mat2: Tensor, options: { out: Tensor }): Tensor {
  return wrap(invoke(mmOutOp, self.handle, mat2.handle, options.out.handle));
}

const addmmInPlaceOp = new Op(
  'aten::addmm_',
  'aten::addmm_(Tensor(a!) self, Tensor mat1, Tensor mat2, *, Scalar beta=1, Scalar alpha=1) -> Tensor(a!)',
);

/** `aten::addmm_(Tensor(a!) self, Tensor mat1, Tensor mat2, *, Scalar beta=1, Scalar alpha=1) -> Tensor(a!)` */
export function addmm_(
  self: Tensor,
  mat1: Tensor,
  mat2: Tensor,
  options: { beta?: number; alpha?: number } = {},
): Tensor {
  return wrap(invoke(addmmInPlaceOp, self.handle, mat1.handle, mat2.handle, options.beta, options.alpha));
}

const mmDtypeOutOp = new Op(
  'aten::mm.dtype_out',
  'aten::mm.dtype_out(Tensor self, Tensor mat2, ScalarType out_dtype, *, Tensor(a!) out) -> Tensor(a!)',
);

/** `aten::mm.dtype_out(Tensor self, Tensor mat2, ScalarType out_dtype, *, Tensor(a!) out) -> Tensor(a!)` */
export function mmDtypeOut(self: Tensor, mat2: Tensor, outDtype: Dtype, options: { out: Tensor }): Tensor {
  return wrap(invoke(mmDtypeOutOp, self.handle, mat2.handle, code(outDtype), options.out.handle));
}

const addmmDtypeOutOp = new Op(
  'aten::addmm.dtype_out',
  'aten::addmm.dtype_out(Tensor self, Tensor mat1, Tensor mat2, ScalarType out_dtype, *, Scalar beta=1, Scalar alpha=1, Tensor(a!) out) -> Tensor(a!)',
);

/** `aten::addmm.dtype_out(Tensor self, Tensor mat1, Tensor mat2, ScalarType out_dtype, *, Scalar beta=1, Scalar alpha=1, Tensor(a!) out) -> Tensor(a!)` */
export function addmmDtypeOut(
  self: Tensor,
  mat1: Tensor,
  mat2: Tensor,
  outDtype: Dtype,
  options: { beta?: number; alpha?: number; out: Tensor },
): Tensor {
  return wrap(
    invoke(
      addmmDtypeOutOp,
      self.handle,
      mat1.handle,
      mat2.handle,
      code(outDtype),
      options.beta,
      options.alpha,
      options.out.handle,
    ),
  );
}

const linearOp = new Op(
  'aten::linear',
  'aten::linear(Tensor input, Tensor weight, Tensor? bias=None) -> Tensor',
);

/** `aten::linear(Tensor input, Tensor weight, Tensor? bias=None) -> Tensor` */
export function linear(input: Tensor, weight: Tensor, bias?: Tensor | null): Tensor {
  return wrap(invoke(linearOp, input.handle, weight.handle, bias == null ? undefined : bias.handle));
}

const outerOp = new Op('aten::outer', 'aten::outer(Tensor self, Tensor vec2) -> Tensor');

/** `aten::outer(Tensor self, Tensor vec2) -> Tensor` */
export function outer(self: Tensor, vec2: Tensor): Tensor {
  return wrap(invoke(outerOp, self.handle, vec2.handle));
}

const sumOp = new Op('aten::sum', 'aten::sum(Tensor self, *, ScalarType? dtype=None) -> Tensor');

/** `aten::sum(Tensor self, *, ScalarType? dtype=None) -> Tensor` */
export function sum(self: Tensor, options: { dtype?: Dtype | null } = {}): Tensor {
  return wrap(invoke(sumOp, self.handle, code(options.dtype)));
}

const sumDimOp = new Op(
  'aten::sum.dim_IntList',
  'aten::sum.dim_IntList(Tensor self, int[1]? dim, bool keepdim=False, *, ScalarType? dtype=None) -> Tensor',
);

/** `aten::sum.dim_IntList(Tensor self, int[1]? dim, bool keepdim=False, *, ScalarType? dtype=None) -> Tensor` */
export function sumDim(
  self: Tensor,
  dim: readonly number[] | null,
  keepdim?: boolean,
  options: { dtype?: Dtype | null } = {},
): Tensor {
  return wrap(invoke(sumDimOp, self.handle, dim, keepdim, code(options.dtype)));
}

const meanOp = new Op('aten::mean', 'aten::mean(Tensor self, *, ScalarType? dtype=None) -> Tensor');

/** `aten::mean(Tensor self, *, ScalarType? dtype=None) -> Tensor` */
export function mean(self: Tensor, options: { dtype?: Dtype | null } = {}): Tensor {
  return wrap(invoke(meanOp, self.handle, code(options.dtype)));
}

const meanDimOp = new Op(
  'aten::mean.dim',
  'aten::mean.dim(Tensor self, int[1]? dim, bool keepdim=False, *, ScalarType? dtype=None) -> Tensor',
);

/** `aten::mean.dim(Tensor self, int[1]? dim, bool keepdim=False, *, ScalarType? dtype=None) -> Tensor` */
export function meanDim(
  self: Tensor,
  dim: readonly number[] | null,
  keepdim?: boolean,
  options: { dtype?: Dtype | null } = {},
): Tensor {
  return wrap(invoke(meanDimOp, self.handle, dim, keepdim, code(options.dtype)));
}

const amaxOp = new Op('aten::amax', 'aten::amax(Tensor self, int[1] dim=[], bool keepdim=False) -> Tensor');

/** `aten::amax(Tensor self, int[1] dim=[], bool keepdim=False) -> Tensor` */
export function amax(self: Tensor, dim?: readonly number[], keepdim?: boolean): Tensor {
  return wrap(invoke(amaxOp, self.handle, dim, keepdim));
}

const argmaxOp = new Op(
  'aten::argmax',
  'aten::argmax(Tensor self, int? dim=None, bool keepdim=False) -> Tensor',
);

/** `aten::argmax(Tensor self, int? dim=None, bool keepdim=False) -> Tensor` */
export function argmax(self: Tensor, dim?: number | null, keepdim?: boolean): Tensor {
  return wrap(invoke(argmaxOp, self.handle, dim, keepdim));
}

const maxDimOp = new Op(
  'aten::max.dim',
  'aten::max.dim(Tensor self, int dim, bool keepdim=False) -> (Tensor values, Tensor indices)',
);

/** `aten::max.dim(Tensor self, int dim, bool keepdim=False) -> (Tensor values, Tensor indices)` */
export function maxDim(self: Tensor, dim: number, keepdim?: boolean): [Tensor, Tensor] {
  return tensorList(invoke(maxDimOp, self.handle, dim, keepdim)) as [Tensor, Tensor];
}

const softmaxOp = new Op(
  'aten::softmax.int',
  'aten::softmax.int(Tensor self, int dim, ScalarType? dtype=None) -> Tensor',
);

/** `aten::softmax.int(Tensor self, int dim, ScalarType? dtype=None) -> Tensor` */
export function softmax(self: Tensor, dim: number, dtype?: Dtype | null): Tensor {
  return wrap(invoke(softmaxOp, self.handle, dim, code(dtype)));
}

const logSoftmaxOp = new Op(
  'aten::log_softmax.int',
  'aten::log_softmax.int(Tensor self, int dim, ScalarType? dtype=None) -> Tensor',
);

/** `aten::log_softmax.int(Tensor self, int dim, ScalarType? dtype=None) -> Tensor` */
export function logSoftmax(self: Tensor, dim: number, dtype?: Dtype | null): Tensor {
  return wrap(invoke(logSoftmaxOp, self.handle, dim, code(dtype)));
}

const cumsumOp = new Op(
  'aten::cumsum',
  'aten::cumsum(Tensor self, int dim, *, ScalarType? dtype=None) -> Tensor',
);

/** `aten::cumsum(Tensor self, int dim, *, ScalarType? dtype=None) -> Tensor` */
export function cumsum(self: Tensor, dim: number, options: { dtype?: Dtype | null } = {}): Tensor {
  return wrap(invoke(cumsumOp, self.handle, dim, code(options.dtype)));
}

const topkOp = new Op(
  'aten::topk',
  'aten::topk(Tensor self, SymInt k, int dim=-1, bool largest=True, bool sorted=True) -> (Tensor values, Tensor indices)',
);

/** `aten::topk(Tensor self, SymInt k, int dim=-1, bool largest=True, bool sorted=True) -> (Tensor values, Tensor indices)` */
export function topk(
  self: Tensor,
  k: number,
  dim?: number,
  largest?: boolean,
  sorted?: boolean,
): [Tensor, Tensor] {
  return tensorList(invoke(topkOp, self.handle, k, dim, largest, sorted)) as [Tensor, Tensor];
}

const searchsortedOp = new Op(
  'aten::searchsorted.Tensor',
  'aten::searchsorted.Tensor(Tensor sorted_sequence, Tensor self, *, bool out_int32=False, bool right=False, str? side=None, Tensor? sorter=None) -> Tensor',
);

/** `aten::searchsorted.Tensor(Tensor sorted_sequence, Tensor self, *, bool out_int32=False, bool right=False, str? side=None, Tensor? sorter=None) -> Tensor` */
export function searchsorted(
  sortedSequence: Tensor,
  self: Tensor,
  options: { outInt32?: boolean; right?: boolean; side?: string | null; sorter?: Tensor | null } = {},
): Tensor {
  return wrap(
    invoke(
      searchsortedOp,
      sortedSequence.handle,
      self.handle,
      options.outInt32,
      options.right,
      options.side,
      options.sorter == null ? undefined : options.sorter.handle,
    ),
  );
}

const normOp = new Op(
  'aten::linalg_vector_norm',
  'aten::linalg_vector_norm(Tensor self, Scalar ord=2, int[1]? dim=None, bool keepdim=False, *, ScalarType? dtype=None) -> Tensor',
);

/** `aten::linalg_vector_norm(Tensor self, Scalar ord=2, int[1]? dim=None, bool keepdim=False, *, ScalarType? dtype=None) -> Tensor` */
export function norm(
  self: Tensor,
  ord?: number,
  dim?: readonly number[] | null,
  keepdim?: boolean,
  options: { dtype?: Dtype | null } = {},
): Tensor {
  return wrap(invoke(normOp, self.handle, ord, dim, keepdim, code(options.dtype)));
}

const equalOp = new Op('aten::equal', 'aten::equal(Tensor self, Tensor other) -> bool');

/** `aten::equal(Tensor self, Tensor other) -> bool` */
export function equal(self: Tensor, other: Tensor): boolean {
  return invoke(equalOp, self.handle, other.handle) as boolean;
}

const leScalarOp = new Op('aten::le.Scalar', 'aten::le.Scalar(Tensor self, Scalar other) -> Tensor');

/** `aten::le.Scalar(Tensor self, Scalar other) -> Tensor` */
export function leScalar(self: Tensor, other: number): Tensor {
  return wrap(invoke(leScalarOp, self.handle, other));
}

const gtScalarOp = new Op('aten::gt.Scalar', 'aten::gt.Scalar(Tensor self, Scalar other) -> Tensor');

/** `aten::gt.Scalar(Tensor self, Scalar other) -> Tensor` */
export function gtScalar(self: Tensor, other: number): Tensor {
  return wrap(invoke(gtScalarOp, self.handle, other));
}

const ltScalarOp = new Op('aten::lt.Scalar', 'aten::lt.Scalar(Tensor self, Scalar other) -> Tensor');

/** `aten::lt.Scalar(Tensor self, Scalar other) -> Tensor` */
export function ltScalar(self: Tensor, other: number): Tensor {
  return wrap(invoke(ltScalarOp, self.handle, other));
}

const geOp = new Op('aten::ge.Tensor', 'aten::ge.Tensor(Tensor self, Tensor other) -> Tensor');

/** `aten::ge.Tensor(Tensor self, Tensor other) -> Tensor` */
export function ge(self: Tensor, other: Tensor): Tensor {
  return wrap(invoke(geOp, self.handle, other.handle));
}

const logicalAndOp = new Op('aten::logical_and', 'aten::logical_and(Tensor self, Tensor other) -> Tensor');

/** `aten::logical_and(Tensor self, Tensor other) -> Tensor` */
export function logicalAnd(self: Tensor, other: Tensor): Tensor {
  return wrap(invoke(logicalAndOp, self.handle, other.handle));
}

const logicalOrOp = new Op('aten::logical_or', 'aten::logical_or(Tensor self, Tensor other) -> Tensor');

/** `aten::logical_or(Tensor self, Tensor other) -> Tensor` */
export function logicalOr(self: Tensor, other: Tensor): Tensor {
  return wrap(invoke(logicalOrOp, self.handle, other.handle));
}

const maskedFillOp = new Op(
  'aten::masked_fill.Scalar',
  'aten::masked_fill.Scalar(Tensor self, Tensor mask, Scalar value) -> Tensor',
);

/** `aten::masked_fill.Scalar(Tensor self, Tensor mask, Scalar value) -> Tensor` */
export function maskedFill(self: Tensor, mask: Tensor, value: number): Tensor {
  return wrap(invoke(maskedFillOp, self.handle, mask.handle, value));
}

const embeddingOp = new Op(
  'aten::embedding',
  'aten::embedding(Tensor weight, Tensor indices, SymInt padding_idx=-1, bool scale_grad_by_freq=False, bool sparse=False) -> Tensor',
);

/** `aten::embedding(Tensor weight, Tensor indices, SymInt padding_idx=-1, bool scale_grad_by_freq=False, bool sparse=False) -> Tensor` */
export function embedding(
  weight: Tensor,
  indices: Tensor,
  paddingIdx?: number,
  scaleGradByFreq?: boolean,
  sparse?: boolean,
): Tensor {
  return wrap(invoke(embeddingOp, weight.handle, indices.handle, paddingIdx, scaleGradByFreq, sparse));
}

const indexSelectOp = new Op(
  'aten::index_select',
  'aten::index_select(Tensor self, int dim, Tensor index) -> Tensor',
);

/** `aten::index_select(Tensor self, int dim, Tensor index) -> Tensor` */
export function indexSelect(self: Tensor, dim: number, index: Tensor): Tensor {
  return wrap(invoke(indexSelectOp, self.handle, dim, index.handle));
}

const indexAddInPlaceOp = new Op(
  'aten::index_add_',
  'aten::index_add_(Tensor(a!) self, int dim, Tensor index, Tensor source, *, Scalar alpha=1) -> Tensor(a!)',
);

/** `aten::index_add_(Tensor(a!) self, int dim, Tensor index, Tensor source, *, Scalar alpha=1) -> Tensor(a!)` */
export function indexAdd_(
  self: Tensor,
  dim: number,
  index: Tensor,
  source: Tensor,
  options: { alpha?: number } = {},
): Tensor {
  return wrap(invoke(indexAddInPlaceOp, self.handle, dim, index.handle, source.handle, options.alpha));
}

const indexCopyInPlaceOp = new Op(
  'aten::index_copy_',
  'aten::index_copy_(Tensor(a!) self, int dim, Tensor index, Tensor source) -> Tensor(a!)',
);

/** `aten::index_copy_(Tensor(a!) self, int dim, Tensor index, Tensor source) -> Tensor(a!)` */
export function indexCopy_(self: Tensor, dim: number, index: Tensor, source: Tensor): Tensor {
  return wrap(invoke(indexCopyInPlaceOp, self.handle, dim, index.handle, source.handle));
}

const gatherOp = new Op(
  'aten::gather',
  'aten::gather(Tensor self, int dim, Tensor index, *, bool sparse_grad=False) -> Tensor',
);

/** `aten::gather(Tensor self, int dim, Tensor index, *, bool sparse_grad=False) -> Tensor` */
export function gather(
  self: Tensor,
  dim: number,
  index: Tensor,
  options: { sparseGrad?: boolean } = {},
): Tensor {
  return wrap(invoke(gatherOp, self.handle, dim, index.handle, options.sparseGrad));
}

const scatterAddInPlaceOp = new Op(
  'aten::scatter_add_',
  'aten::scatter_add_(Tensor(a!) self, int dim, Tensor index, Tensor src) -> Tensor(a!)',
);

/** `aten::scatter_add_(Tensor(a!) self, int dim, Tensor index, Tensor src) -> Tensor(a!)` */
export function scatterAdd_(self: Tensor, dim: number, index: Tensor, src: Tensor): Tensor {
  return wrap(invoke(scatterAddInPlaceOp, self.handle, dim, index.handle, src.handle));
}

const catOp = new Op('aten::cat', 'aten::cat(Tensor[] tensors, int dim=0) -> Tensor');

/** `aten::cat(Tensor[] tensors, int dim=0) -> Tensor` */
export function cat(tensors: readonly Tensor[], dim?: number): Tensor {
  return wrap(invoke(catOp, handles(tensors), dim));
}

const repeatInterleaveOp = new Op(
  'aten::repeat_interleave.self_int',
  'aten::repeat_interleave.self_int(Tensor self, SymInt repeats, int? dim=None, *, SymInt? output_size=None) -> Tensor',
);

/** `aten::repeat_interleave.self_int(Tensor self, SymInt repeats, int? dim=None, *, SymInt? output_size=None) -> Tensor` */
export function repeatInterleave(
  self: Tensor,
  repeats: number,
  dim?: number | null,
  options: { outputSize?: number | null } = {},
): Tensor {
  return wrap(invoke(repeatInterleaveOp, self.handle, repeats, dim, options.outputSize));
}

const stackOp = new Op('aten::stack', 'aten::stack(Tensor[] tensors, int dim=0) -> Tensor');

/** `aten::stack(Tensor[] tensors, int dim=0) -> Tensor` */
export function stack(tensors: readonly Tensor[], dim?: number): Tensor {
  return wrap(invoke(stackOp, handles(tensors), dim));
}

const chunkOp = new Op(
  'aten::chunk',
  'aten::chunk(Tensor(a -> *) self, int chunks, int dim=0) -> Tensor(a)[]',
);

/** `aten::chunk(Tensor(a -> *) self, int chunks, int dim=0) -> Tensor(a)[]` */
export function chunk(self: Tensor, chunks: number, dim?: number): Tensor[] {
  return tensorList(invoke(chunkOp, self.handle, chunks, dim));
}

const splitWithSizesOp = new Op(
  'aten::split_with_sizes',
  'aten::split_with_sizes(Tensor(a -> *) self, SymInt[] split_sizes, int dim=0) -> Tensor(a)[]',
);

/** `aten::split_with_sizes(Tensor(a -> *) self, SymInt[] split_sizes, int dim=0) -> Tensor(a)[]` */
export function splitWithSizes(self: Tensor, splitSizes: readonly number[], dim?: number): Tensor[] {
  return tensorList(invoke(splitWithSizesOp, self.handle, splitSizes, dim));
}

const narrowOp = new Op(
  'aten::narrow',
  'aten::narrow(Tensor(a) self, int dim, SymInt start, SymInt length) -> Tensor(a)',
);

/** `aten::narrow(Tensor(a) self, int dim, SymInt start, SymInt length) -> Tensor(a)` */
export function narrow(self: Tensor, dim: number, start: number, length: number): Tensor {
  return wrap(invoke(narrowOp, self.handle, dim, start, length));
}

const viewOp = new Op('aten::view', 'aten::view(Tensor(a) self, SymInt[] size) -> Tensor(a)');

/** `aten::view(Tensor(a) self, SymInt[] size) -> Tensor(a)` */
export function view(self: Tensor, size: readonly number[]): Tensor {
  return wrap(invoke(viewOp, self.handle, size));
}

const viewDtypeOp = new Op(
  'aten::view.dtype',
  'aten::view.dtype(Tensor(a) self, ScalarType dtype) -> Tensor(a)',
);

/** `aten::view.dtype(Tensor(a) self, ScalarType dtype) -> Tensor(a)` */
export function viewDtype(self: Tensor, dtype: Dtype): Tensor {
  return wrap(invoke(viewDtypeOp, self.handle, code(dtype)));
}

const reshapeOp = new Op('aten::reshape', 'aten::reshape(Tensor(a) self, SymInt[] shape) -> Tensor(a)');

/** `aten::reshape(Tensor(a) self, SymInt[] shape) -> Tensor(a)` */
export function reshape(self: Tensor, shape: readonly number[]): Tensor {
  return wrap(invoke(reshapeOp, self.handle, shape));
}

const transposeOp = new Op(
  'aten::transpose.int',
  'aten::transpose.int(Tensor(a) self, int dim0, int dim1) -> Tensor(a)',
);

/** `aten::transpose.int(Tensor(a) self, int dim0, int dim1) -> Tensor(a)` */
export function transpose(self: Tensor, dim0: number, dim1: number): Tensor {
  return wrap(invoke(transposeOp, self.handle, dim0, dim1));
}

const tOp = new Op('aten::t', 'aten::t(Tensor(a) self) -> Tensor(a)');

/** `aten::t(Tensor(a) self) -> Tensor(a)` */
export function t(self: Tensor): Tensor {
  return wrap(invoke(tOp, self.handle));
}

const unsqueezeOp = new Op('aten::unsqueeze', 'aten::unsqueeze(Tensor(a) self, int dim) -> Tensor(a)');

/** `aten::unsqueeze(Tensor(a) self, int dim) -> Tensor(a)` */
export function unsqueeze(self: Tensor, dim: number): Tensor {
  return wrap(invoke(unsqueezeOp, self.handle, dim));
}

const squeezeOp = new Op('aten::squeeze.dim', 'aten::squeeze.dim(Tensor(a) self, int dim) -> Tensor(a)');

/** `aten::squeeze.dim(Tensor(a) self, int dim) -> Tensor(a)` */
export function squeeze(self: Tensor, dim: number): Tensor {
  return wrap(invoke(squeezeOp, self.handle, dim));
}

const contiguousOp = new Op(
  'aten::contiguous',
  'aten::contiguous(Tensor(a) self, *, MemoryFormat memory_format=0) -> Tensor(a)',
);

/** `aten::contiguous(Tensor(a) self, *, MemoryFormat memory_format=0) -> Tensor(a)` */
export function contiguous(self: Tensor, options: { memoryFormat?: number } = {}): Tensor {
  return wrap(invoke(contiguousOp, self.handle, options.memoryFormat));
}

const arangeOp = new Op(
  'aten::arange.start_step',
  'aten::arange.start_step(Scalar start, Scalar end, Scalar step=1, *, ScalarType? dtype=None, Layout? layout=None, Device? device=None, bool? pin_memory=None) -> Tensor',
);

/** `aten::arange.start_step(Scalar start, Scalar end, Scalar step=1, *, ScalarType? dtype=None, Layout? layout=None, Device? device=None, bool? pin_memory=None) -> Tensor` */
export function arange(
  start: number,
  end: number,
  step?: number,
  options: {
    dtype?: Dtype | null;
    layout?: number | null;
    device?: string | null;
    pinMemory?: boolean | null;
  } = {},
): Tensor {
  return wrap(
    invoke(
      arangeOp,
      start,
      end,
      step,
      code(options.dtype),
      options.layout,
      options.device,
      options.pinMemory,
    ),
  );
}

const fullOp = new Op(
  'aten::full',
  'aten::full(SymInt[] size, Scalar fill_value, *, ScalarType? dtype=None, Layout? layout=None, Device? device=None, bool? pin_memory=None) -> Tensor',
);

/** `aten::full(SymInt[] size, Scalar fill_value, *, ScalarType? dtype=None, Layout? layout=None, Device? device=None, bool? pin_memory=None) -> Tensor` */
export function full(
  size: readonly number[],
  fillValue: number,
  options: {
    dtype?: Dtype | null;
    layout?: number | null;
    device?: string | null;
    pinMemory?: boolean | null;
  } = {},
): Tensor {
  return wrap(
    invoke(fullOp, size, fillValue, code(options.dtype), options.layout, options.device, options.pinMemory),
  );
}

const zerosOp = new Op(
  'aten::zeros',
  'aten::zeros(SymInt[] size, *, ScalarType? dtype=None, Layout? layout=None, Device? device=None, bool? pin_memory=None) -> Tensor',
);

/** `aten::zeros(SymInt[] size, *, ScalarType? dtype=None, Layout? layout=None, Device? device=None, bool? pin_memory=None) -> Tensor` */
export function zeros(
  size: readonly number[],
  options: {
    dtype?: Dtype | null;
    layout?: number | null;
    device?: string | null;
    pinMemory?: boolean | null;
  } = {},
): Tensor {
  return wrap(invoke(zerosOp, size, code(options.dtype), options.layout, options.device, options.pinMemory));
}

const onesOp = new Op(
  'aten::ones',
  'aten::ones(SymInt[] size, *, ScalarType? dtype=None, Layout? layout=None, Device? device=None, bool? pin_memory=None) -> Tensor',
);

/** `aten::ones(SymInt[] size, *, ScalarType? dtype=None, Layout? layout=None, Device? device=None, bool? pin_memory=None) -> Tensor` */
export function ones(
  size: readonly number[],
  options: {
    dtype?: Dtype | null;
    layout?: number | null;
    device?: string | null;
    pinMemory?: boolean | null;
  } = {},
): Tensor {
  return wrap(invoke(onesOp, size, code(options.dtype), options.layout, options.device, options.pinMemory));
}

const emptyOp = new Op(
  'aten::empty.memory_format',
  'aten::empty.memory_format(SymInt[] size, *, ScalarType? dtype=None, Layout? layout=None, Device? device=None, bool? pin_memory=None, MemoryFormat? memory_format=None) -> Tensor',
);

/** `aten::empty.memory_format(SymInt[] size, *, ScalarType? dtype=None, Layout? layout=None, Device? device=None, bool? pin_memory=None, MemoryFormat? memory_format=None) -> Tensor` */
export function empty(
  size: readonly number[],
  options: {
    dtype?: Dtype | null;
    layout?: number | null;
    device?: string | null;
    pinMemory?: boolean | null;
    memoryFormat?: number | null;
  } = {},
): Tensor {
  return wrap(
    invoke(
      emptyOp,
      size,
      code(options.dtype),
      options.layout,
      options.device,
      options.pinMemory,
      options.memoryFormat,
    ),
  );
}

const emptyLikeOp = new Op(
  'aten::empty_like',
  'aten::empty_like(Tensor self, *, ScalarType? dtype=None, Layout? layout=None, Device? device=None, bool? pin_memory=None, MemoryFormat? memory_format=None) -> Tensor',
);

/** `aten::empty_like(Tensor self, *, ScalarType? dtype=None, Layout? layout=None, Device? device=None, bool? pin_memory=None, MemoryFormat? memory_format=None) -> Tensor` */
export function emptyLike(
  self: Tensor,
  options: {
    dtype?: Dtype | null;
    layout?: number | null;
    device?: string | null;
    pinMemory?: boolean | null;
    memoryFormat?: number | null;
  } = {},
): Tensor {
  return wrap(
    invoke(
      emptyLikeOp,
      self.handle,
      code(options.dtype),
      options.layout,
      options.device,
      options.pinMemory,
      options.memoryFormat,
    ),
  );
}

const zerosLikeOp = new Op(
  'aten::zeros_like',
  'aten::zeros_like(Tensor self, *, ScalarType? dtype=None, Layout? layout=None, Device? device=None, bool? pin_memory=None, MemoryFormat? memory_format=None) -> Tensor',
);

/** `aten::zeros_like(Tensor self, *, ScalarType? dtype=None, Layout? layout=None, Device? device=None, bool? pin_memory=None, MemoryFormat? memory_format=None) -> Tensor` */
export function zerosLike(
  self: Tensor,
  options: {
    dtype?: Dtype | null;
    layout?: number | null;
    device?: string | null;
    pinMemory?: boolean | null;
    memoryFormat?: number | null;
  } = {},
): Tensor {
  return wrap(
    invoke(
      zerosLikeOp,
      self.handle,
      code(options.dtype),
      options.layout,
      options.device,
      options.pinMemory,
      options.memoryFormat,
    ),
  );
}

const randnOp = new Op(
  'aten::randn',
  'aten::randn(SymInt[] size, *, ScalarType? dtype=None, Layout? layout=None, Device? device=None, bool? pin_memory=None) -> Tensor',
);

/** `aten::randn(SymInt[] size, *, ScalarType? dtype=None, Layout? layout=None, Device? device=None, bool? pin_memory=None) -> Tensor` */
export function randn(
  size: readonly number[],
  options: {
    dtype?: Dtype | null;
    layout?: number | null;
    device?: string | null;
    pinMemory?: boolean | null;
  } = {},
): Tensor {
  return wrap(invoke(randnOp, size, code(options.dtype), options.layout, options.device, options.pinMemory));
}

const randOp = new Op(
  'aten::rand',
  'aten::rand(SymInt[] size, *, ScalarType? dtype=None, Layout? layout=None, Device? device=None, bool? pin_memory=None) -> Tensor',
);

/** `aten::rand(SymInt[] size, *, ScalarType? dtype=None, Layout? layout=None, Device? device=None, bool? pin_memory=None) -> Tensor` */
export function rand(
  size: readonly number[],
  options: {
    dtype?: Dtype | null;
    layout?: number | null;
    device?: string | null;
    pinMemory?: boolean | null;
  } = {},
): Tensor {
  return wrap(invoke(randOp, size, code(options.dtype), options.layout, options.device, options.pinMemory));
}

const toDtypeOp = new Op(
  'aten::to.dtype',
  'aten::to.dtype(Tensor(a) self, ScalarType dtype, bool non_blocking=False, bool copy=False, MemoryFormat? memory_format=None) -> Tensor(a)',
);

/** `aten::to.dtype(Tensor(a) self, ScalarType dtype, bool non_blocking=False, bool copy=False, MemoryFormat? memory_format=None) -> Tensor(a)` */
export function toDtype(
  self: Tensor,
  dtype: Dtype,
  nonBlocking?: boolean,
  copy?: boolean,
  memoryFormat?: number | null,
): Tensor {
  return wrap(invoke(toDtypeOp, self.handle, code(dtype), nonBlocking, copy, memoryFormat));
}

const toDeviceOp = new Op(
  'aten::to.device',
  'aten::to.device(Tensor(a) self, Device device, ScalarType dtype, bool non_blocking=False, bool copy=False, MemoryFormat? memory_format=None) -> Tensor(a)',
);

/** `aten::to.device(Tensor(a) self, Device device, ScalarType dtype, bool non_blocking=False, bool copy=False, MemoryFormat? memory_format=None) -> Tensor(a)` */
export function toDevice(
  self: Tensor,
  device: string,
  dtype: Dtype,
  nonBlocking?: boolean,
  copy?: boolean,
  memoryFormat?: number | null,
): Tensor {
  return wrap(invoke(toDeviceOp, self.handle, device, code(dtype), nonBlocking, copy, memoryFormat));
}

const cloneOp = new Op(
  'aten::clone',
  'aten::clone(Tensor self, *, MemoryFormat? memory_format=None) -> Tensor',
);

/** `aten::clone(Tensor self, *, MemoryFormat? memory_format=None) -> Tensor` */
export function clone(self: Tensor, options: { memoryFormat?: number | null } = {}): Tensor {
  return wrap(invoke(cloneOp, self.handle, options.memoryFormat));
}

const detachOp = new Op('aten::detach', 'aten::detach(Tensor(a) self) -> Tensor(a)');

/** `aten::detach(Tensor(a) self) -> Tensor(a)` */
export function detach(self: Tensor): Tensor {
  return wrap(invoke(detachOp, self.handle));
}

const copyInPlaceOp = new Op(
  'aten::copy_',
  'aten::copy_(Tensor(a!) self, Tensor src, bool non_blocking=False) -> Tensor(a!)',
);

/** `aten::copy_(Tensor(a!) self, Tensor src, bool non_blocking=False) -> Tensor(a!)` */
export function copy_(self: Tensor, src: Tensor, nonBlocking?: boolean): Tensor {
  return wrap(invoke(copyInPlaceOp, self.handle, src.handle, nonBlocking));
}

const setInPlaceOp = new Op('aten::set_', 'aten::set_(Tensor(a!) self) -> Tensor(a!)');

/** `aten::set_(Tensor(a!) self) -> Tensor(a!)` */
export function set_(self: Tensor): Tensor {
  return wrap(invoke(setInPlaceOp, self.handle));
}

const setToInPlaceOp = new Op(
  'aten::set_.source_Tensor',
  'aten::set_.source_Tensor(Tensor(a!) self, Tensor source) -> Tensor(a!)',
);

/** `aten::set_.source_Tensor(Tensor(a!) self, Tensor source) -> Tensor(a!)` */
export function setTo_(self: Tensor, source: Tensor): Tensor {
  return wrap(invoke(setToInPlaceOp, self.handle, source.handle));
}

const resizeInPlaceOp = new Op(
  'aten::resize_',
  'aten::resize_(Tensor(a!) self, SymInt[] size, *, MemoryFormat? memory_format=None) -> Tensor(a!)',
);

/** `aten::resize_(Tensor(a!) self, SymInt[] size, *, MemoryFormat? memory_format=None) -> Tensor(a!)` */
export function resize_(
  self: Tensor,
  size: readonly number[],
  options: { memoryFormat?: number | null } = {},
): Tensor {
  return wrap(invoke(resizeInPlaceOp, self.handle, size, options.memoryFormat));
}

const fillInPlaceOp = new Op(
  'aten::fill_.Scalar',
  'aten::fill_.Scalar(Tensor(a!) self, Scalar value) -> Tensor(a!)',
);

/** `aten::fill_.Scalar(Tensor(a!) self, Scalar value) -> Tensor(a!)` */
export function fill_(self: Tensor, value: number): Tensor {
  return wrap(invoke(fillInPlaceOp, self.handle, value));
}

const scaledDotProductAttentionOp = new Op(
  'aten::scaled_dot_product_attention',
  'aten::scaled_dot_product_attention(Tensor query, Tensor key, Tensor value, Tensor? attn_mask=None, float dropout_p=0., bool is_causal=False, *, float? scale=None, bool enable_gqa=False) -> Tensor',
);

/** `aten::scaled_dot_product_attention(Tensor query, Tensor key, Tensor value, Tensor? attn_mask=None, float dropout_p=0., bool is_causal=False, *, float? scale=None, bool enable_gqa=False) -> Tensor` */
export function scaledDotProductAttention(
  query: Tensor,
  key: Tensor,
  value: Tensor,
  attnMask?: Tensor | null,
  dropoutP?: number,
  isCausal?: boolean,
  options: { scale?: number | null; enableGqa?: boolean } = {},
): Tensor {
  return wrap(
    invoke(
      scaledDotProductAttentionOp,
      query.handle,
      key.handle,
      value.handle,
      attnMask == null ? undefined : attnMask.handle,
      dropoutP,
      isCausal,
      options.scale,
      options.enableGqa,
    ),
  );
}

const flashAttentionForwardOp = new Op(
  'aten::_flash_attention_forward',
  'aten::_flash_attention_forward(Tensor query, Tensor key, Tensor value, Tensor? cum_seq_q, Tensor? cum_seq_k, SymInt max_q, SymInt max_k, float dropout_p, bool is_causal, bool return_debug_mask, *, float? scale=None, SymInt? window_size_left=None, SymInt? window_size_right=None, Tensor? seqused_k=None, Tensor? alibi_slopes=None) -> (Tensor output, Tensor softmax_logsumexp, Tensor rng_state, Tensor unused, Tensor debug_attn_mask)',
);

/** `aten::_flash_attention_forward(Tensor query, Tensor key, Tensor value, Tensor? cum_seq_q, Tensor? cum_seq_k, SymInt max_q, SymInt max_k, float dropout_p, bool is_causal, bool return_debug_mask, *, float? scale=None, SymInt? window_size_left=None, SymInt? window_size_right=None, Tensor? seqused_k=None, Tensor? alibi_slopes=None) -> (Tensor output, Tensor softmax_logsumexp, Tensor rng_state, Tensor unused, Tensor debug_attn_mask)` */
export function flashAttentionForward(
  query: Tensor,
  key: Tensor,
  value: Tensor,
  cumSeqQ: Tensor | null,
  cumSeqK: Tensor | null,
  maxQ: number,
  maxK: number,
  dropoutP: number,
  isCausal: boolean,
  returnDebugMask: boolean,
  options: {
    scale?: number | null;
    windowSizeLeft?: number | null;
    windowSizeRight?: number | null;
    sequsedK?: Tensor | null;
    alibiSlopes?: Tensor | null;
  } = {},
): [Tensor, Tensor, Tensor, Tensor, Tensor] {
  return tensorList(
    invoke(
      flashAttentionForwardOp,
      query.handle,
      key.handle,
      value.handle,
      cumSeqQ?.handle ?? null,
      cumSeqK?.handle ?? null,
      maxQ,
      maxK,
      dropoutP,
      isCausal,
      returnDebugMask,
      options.scale,
      options.windowSizeLeft,
      options.windowSizeRight,
      options.sequsedK == null ? undefined : options.sequsedK.handle,
      options.alibiSlopes == null ? undefined : options.alibiSlopes.handle,
    ),
  ) as [Tensor, Tensor, Tensor, Tensor, Tensor];
}

const rmsNormOp = new Op(
  'aten::rms_norm',
  'aten::rms_norm(Tensor input, SymInt[] normalized_shape, Tensor? weight=None, float? eps=None) -> Tensor',
);

/** `aten::rms_norm(Tensor input, SymInt[] normalized_shape, Tensor? weight=None, float? eps=None) -> Tensor` */
export function rmsNorm(
  input: Tensor,
  normalizedShape: readonly number[],
  weight?: Tensor | null,
  eps?: number | null,
): Tensor {
  return wrap(
    invoke(rmsNormOp, input.handle, normalizedShape, weight == null ? undefined : weight.handle, eps),
  );
}

const fusedRmsNormOp = new Op(
  'aten::_fused_rms_norm',
  'aten::_fused_rms_norm(Tensor input, int[] normalized_shape, Tensor? weight, float? eps) -> (Tensor, Tensor)',
);

/** `aten::_fused_rms_norm(Tensor input, int[] normalized_shape, Tensor? weight, float? eps) -> (Tensor, Tensor)` */
export function fusedRmsNorm(
  input: Tensor,
  normalizedShape: readonly number[],
  weight: Tensor | null,
  eps: number | null,
): [Tensor, Tensor] {
  return tensorList(invoke(fusedRmsNormOp, input.handle, normalizedShape, weight?.handle ?? null, eps)) as [
    Tensor,
    Tensor,
  ];
}

const attentionOp = new Op(
  'redistill::attention',
  'redistill::attention(Tensor q, Tensor k, Tensor v, int[] lengths, float scale, int window) -> (Tensor, Tensor)',
);

/** `redistill::attention(Tensor q, Tensor k, Tensor v, int[] lengths, float scale, int window) -> (Tensor, Tensor)` */
export function attention(
  q: Tensor,
  k: Tensor,
  v: Tensor,
  lengths: readonly number[],
  scale: number,
  window: number,
): [Tensor, Tensor] {
  return tensorList(invoke(attentionOp, q.handle, k.handle, v.handle, lengths, scale, window)) as [
    Tensor,
    Tensor,
  ];
}

const hasProductsOp = new Op('redistill::has_products', 'redistill::has_products() -> bool');

/** `redistill::has_products() -> bool` */
export function hasProducts(): boolean {
  return invoke(hasProductsOp) as boolean;
}

const widensFactorsOp = new Op('redistill::widens_factors', 'redistill::widens_factors() -> bool');

/** `redistill::widens_factors() -> bool` */
export function widensFactors(): boolean {
  return invoke(widensFactorsOp) as boolean;
}

const widenFactorsOp = new Op('redistill::widen_factors', 'redistill::widen_factors(bool wide) -> ()');

/** `redistill::widen_factors(bool wide) -> ()` */
export function widenFactors(wide: boolean): void {
  invoke(widenFactorsOp, wide);
}

const linearRowsOp = new Op(
  'redistill::linear',
  'redistill::linear(Tensor x, Tensor weight, Tensor? bias, Tensor? sum) -> Tensor',
);

/** `redistill::linear(Tensor x, Tensor weight, Tensor? bias, Tensor? sum) -> Tensor` */
export function linearRows(x: Tensor, weight: Tensor, bias: Tensor | null, sum: Tensor | null): Tensor {
  return wrap(invoke(linearRowsOp, x.handle, weight.handle, bias?.handle ?? null, sum?.handle ?? null));
}

const linearRowsOutOp = new Op(
  'redistill::linear_out',
  'redistill::linear_out(Tensor x, Tensor weight, Tensor(a!) out) -> ()',
);

/** `redistill::linear_out(Tensor x, Tensor weight, Tensor(a!) out) -> ()` */
export function linearRowsOut(x: Tensor, weight: Tensor, out: Tensor): void {
  invoke(linearRowsOutOp, x.handle, weight.handle, out.handle);
}

const linearInputGradOutOp = new Op(
  'redistill::linear_input_grad',
  'redistill::linear_input_grad(Tensor grad, Tensor weight, Tensor(a!) out) -> ()',
);

/** `redistill::linear_input_grad(Tensor grad, Tensor weight, Tensor(a!) out) -> ()` */
export function linearInputGradOut(grad: Tensor, weight: Tensor, out: Tensor): void {
  invoke(linearInputGradOutOp, grad.handle, weight.handle, out.handle);
}

const linearWeightGradInPlaceOp = new Op(
  'redistill::linear_weight_grad',
  'redistill::linear_weight_grad(Tensor grad, Tensor x, Tensor(a!) sum) -> ()',
);

/** `redistill::linear_weight_grad(Tensor grad, Tensor x, Tensor(a!) sum) -> ()` */
export function linearWeightGrad_(grad: Tensor, x: Tensor, sum: Tensor): void {
  invoke(linearWeightGradInPlaceOp, grad.handle, x.handle, sum.handle);
}

const gluOp = new Op('redistill::glu', 'redistill::glu(Tensor gate_up, bool gelu) -> Tensor');

/** `redistill::glu(Tensor gate_up, bool gelu) -> Tensor` */
export function glu(gateUp: Tensor, gelu: boolean): Tensor {
  return wrap(invoke(gluOp, gateUp.handle, gelu));
}

const rotateOp = new Op(
  'redistill::rotate',
  'redistill::rotate(Tensor x, Tensor cosines, Tensor sines, bool back) -> Tensor',
);

/** `redistill::rotate(Tensor x, Tensor cosines, Tensor sines, bool back) -> Tensor` */
export function rotate(x: Tensor, cosines: Tensor, sines: Tensor, back: boolean): Tensor {
  return wrap(invoke(rotateOp, x.handle, cosines.handle, sines.handle, back));
}

const softmaxGradInPlaceOp = new Op(
  'redistill::softmax_grad',
  'redistill::softmax_grad(Tensor logits, Tensor targets, Tensor weights, Tensor(a!) grad) -> Tensor',
);

/** `redistill::softmax_grad(Tensor logits, Tensor targets, Tensor weights, Tensor(a!) grad) -> Tensor` */
export function softmaxGrad_(logits: Tensor, targets: Tensor, weights: Tensor, grad: Tensor): Tensor {
  return wrap(invoke(softmaxGradInPlaceOp, logits.handle, targets.handle, weights.handle, grad.handle));
}

const rmsNormRowsOp = new Op(
  'redistill::rms_norm',
  'redistill::rms_norm(Tensor x, Tensor weight, float eps, int offset) -> Tensor',
);

/** `redistill::rms_norm(Tensor x, Tensor weight, float eps, int offset) -> Tensor` */
export function rmsNormRows(x: Tensor, weight: Tensor, eps: number, offset: number): Tensor {
  return wrap(invoke(rmsNormRowsOp, x.handle, weight.handle, eps, offset));
}

const rmsNormBackwardInPlaceOp = new Op(
  'redistill::rms_norm_backward',
  'redistill::rms_norm_backward(Tensor grad, Tensor x, Tensor weight, float eps, int offset, Tensor(a!) weight_grad) -> Tensor',
);

/** `redistill::rms_norm_backward(Tensor grad, Tensor x, Tensor weight, float eps, int offset, Tensor(a!) weight_grad) -> Tensor` */
export function rmsNormBackward_(
  grad: Tensor,
  x: Tensor,
  weight: Tensor,
  eps: number,
  offset: number,
  weightGrad: Tensor,
): Tensor {
  return wrap(
    invoke(rmsNormBackwardInPlaceOp, grad.handle, x.handle, weight.handle, eps, offset, weightGrad.handle),
  );
}

const addRmsNormInPlaceOp = new Op(
  'redistill::add_rms_norm',
  'redistill::add_rms_norm(Tensor(a!) sum, Tensor x, Tensor weight, float eps, int offset) -> Tensor',
);

/** `redistill::add_rms_norm(Tensor(a!) sum, Tensor x, Tensor weight, float eps, int offset) -> Tensor` */
export function addRmsNorm_(sum: Tensor, x: Tensor, weight: Tensor, eps: number, offset: number): Tensor {
  return wrap(invoke(addRmsNormInPlaceOp, sum.handle, x.handle, weight.handle, eps, offset));
}

const addRmsNormBackwardInPlaceOp = new Op(
  'redistill::add_rms_norm_backward',
  'redistill::add_rms_norm_backward(Tensor grad, Tensor x, Tensor weight, float eps, int offset, Tensor(a!) weight_grad, Tensor(b!) sum) -> ()',
);

/** `redistill::add_rms_norm_backward(Tensor grad, Tensor x, Tensor weight, float eps, int offset, Tensor(a!) weight_grad, Tensor(b!) sum) -> ()` */
export function addRmsNormBackward_(
  grad: Tensor,
  x: Tensor,
  weight: Tensor,
  eps: number,
  offset: number,
  weightGrad: Tensor,
  sum: Tensor,
): void {
  invoke(
    addRmsNormBackwardInPlaceOp,
    grad.handle,
    x.handle,
    weight.handle,
    eps,
    offset,
    weightGrad.handle,
    sum.handle,
  );
}

const targetLogpsOp = new Op(
  'redistill::target_logps',
  'redistill::target_logps(Tensor logits, Tensor targets) -> Tensor',
);

/** `redistill::target_logps(Tensor logits, Tensor targets) -> Tensor` */
export function targetLogps(logits: Tensor, targets: Tensor): Tensor {
  return wrap(invoke(targetLogpsOp, logits.handle, targets.handle));
}

const fewRowsOp = new Op(
  'redistill::few_rows',
  'redistill::few_rows(Tensor x, Tensor weight, Tensor? bias) -> Tensor',
);

/** `redistill::few_rows(Tensor x, Tensor weight, Tensor? bias) -> Tensor` */
export function fewRows(x: Tensor, weight: Tensor, bias: Tensor | null): Tensor {
  return wrap(invoke(fewRowsOp, x.handle, weight.handle, bias?.handle ?? null));
}

const attendSlotsOp = new Op(
  'redistill::attend_slots',
  'redistill::attend_slots(Tensor q, Tensor keys, Tensor values, Tensor starts, Tensor counts, float scale, int window) -> Tensor',
);

/** `redistill::attend_slots(Tensor q, Tensor keys, Tensor values, Tensor starts, Tensor counts, float scale, int window) -> Tensor` */
export function attendSlots(
  q: Tensor,
  keys: Tensor,
  values: Tensor,
  starts: Tensor,
  counts: Tensor,
  scale: number,
  window: number,
): Tensor {
  return wrap(
    invoke(attendSlotsOp, q.handle, keys.handle, values.handle, starts.handle, counts.handle, scale, window),
  );
}

const chooseOp = new Op(
  'redistill::choose',
  'redistill::choose(Tensor logits, Tensor uniforms, Tensor sampling) -> Tensor',
);

/** `redistill::choose(Tensor logits, Tensor uniforms, Tensor sampling) -> Tensor` */
export function choose(logits: Tensor, uniforms: Tensor, sampling: Tensor): Tensor {
  return wrap(invoke(chooseOp, logits.handle, uniforms.handle, sampling.handle));
}

const useHugePagesOp = new Op(
  'redistill::use_huge_pages',
  'redistill::use_huge_pages(Tensor[] tensors) -> ()',
);

/** `redistill::use_huge_pages(Tensor[] tensors) -> ()` */
export function useHugePages(tensors: readonly Tensor[]): void {
  invoke(useHugePagesOp, handles(tensors));
}

const exactLinearOp = new Op(
  'redistill::exact_linear',
  'redistill::exact_linear(Tensor x, Tensor weight, Tensor? bias) -> Tensor',
);

/** `redistill::exact_linear(Tensor x, Tensor weight, Tensor? bias) -> Tensor` */
export function exactLinear(x: Tensor, weight: Tensor, bias: Tensor | null): Tensor {
  return wrap(invoke(exactLinearOp, x.handle, weight.handle, bias?.handle ?? null));
}

const exactNormOp = new Op(
  'redistill::exact_norm',
  'redistill::exact_norm(Tensor x, Tensor weight, float eps, int offset) -> Tensor',
);

/** `redistill::exact_norm(Tensor x, Tensor weight, float eps, int offset) -> Tensor` */
export function exactNorm(x: Tensor, weight: Tensor, eps: number, offset: number): Tensor {
  return wrap(invoke(exactNormOp, x.handle, weight.handle, eps, offset));
}

const exactGluOp = new Op(
  'redistill::exact_glu',
  'redistill::exact_glu(Tensor gate_up, bool gelu) -> Tensor',
);

/** `redistill::exact_glu(Tensor gate_up, bool gelu) -> Tensor` */
export function exactGlu(gateUp: Tensor, gelu: boolean): Tensor {
  return wrap(invoke(exactGluOp, gateUp.handle, gelu));
}

const exactRotateOp = new Op(
  'redistill::exact_rotate',
  'redistill::exact_rotate(Tensor x, Tensor cosines, Tensor sines) -> Tensor',
);

/** `redistill::exact_rotate(Tensor x, Tensor cosines, Tensor sines) -> Tensor` */
export function exactRotate(x: Tensor, cosines: Tensor, sines: Tensor): Tensor {
  return wrap(invoke(exactRotateOp, x.handle, cosines.handle, sines.handle));
}

const exactLogpsOp = new Op(
  'redistill::exact_logps',
  'redistill::exact_logps(Tensor logits, Tensor targets) -> Tensor',
);

/** `redistill::exact_logps(Tensor logits, Tensor targets) -> Tensor` */
export function exactLogps(logits: Tensor, targets: Tensor): Tensor {
  return wrap(invoke(exactLogpsOp, logits.handle, targets.handle));
}

const constantPadNdOp = new Op(
  'aten::constant_pad_nd',
  'aten::constant_pad_nd(Tensor self, SymInt[] pad, Scalar value=0) -> Tensor',
);

/** `aten::constant_pad_nd(Tensor self, SymInt[] pad, Scalar value=0) -> Tensor` */
export function constantPadNd(self: Tensor, pad: readonly number[], value?: number): Tensor {
  return wrap(invoke(constantPadNdOp, self.handle, pad, value));
}

const cudnnAttentionOp = new Op(
  'aten::_scaled_dot_product_cudnn_attention',
  'aten::_scaled_dot_product_cudnn_attention(Tensor query, Tensor key, Tensor value, Tensor? attn_bias, bool compute_log_sumexp, float dropout_p=0., bool is_causal=False, bool return_debug_mask=False, *, float? scale=None) -> (Tensor output, Tensor logsumexp, Tensor cum_seq_q, Tensor cum_seq_k, SymInt max_q, SymInt max_k, Tensor philox_seed, Tensor philox_offset, Tensor debug_attn_mask)',
);

/** `aten::_scaled_dot_product_cudnn_attention(Tensor query, Tensor key, Tensor value, Tensor? attn_bias, bool compute_log_sumexp, float dropout_p=0., bool is_causal=False, bool return_debug_mask=False, *, float? scale=None) -> (Tensor output, Tensor logsumexp, Tensor cum_seq_q, Tensor cum_seq_k, SymInt max_q, SymInt max_k, Tensor philox_seed, Tensor philox_offset, Tensor debug_attn_mask)` */
export function cudnnAttention(
  query: Tensor,
  key: Tensor,
  value: Tensor,
  attnBias: Tensor | null,
  computeLogSumexp: boolean,
  dropoutP?: number,
  isCausal?: boolean,
  returnDebugMask?: boolean,
  options: { scale?: number | null } = {},
): Tensor {
  return firstTensor(
    invoke(
      cudnnAttentionOp,
      query.handle,
      key.handle,
      value.handle,
      attnBias?.handle ?? null,
      computeLogSumexp,
      dropoutP,
      isCausal,
      returnDebugMask,
      options.scale,
    ),
  );
}

const fusedAdamwInPlaceOp = new Op(
  'aten::_fused_adamw_',
  'aten::_fused_adamw_(Tensor(a!)[] self, Tensor(b!)[] grads, Tensor(c!)[] exp_avgs, Tensor(d!)[] exp_avg_sqs, Tensor(e!)[] max_exp_avg_sqs, Tensor[] state_steps, *, float lr, float beta1, float beta2, float weight_decay, float eps, bool amsgrad, bool maximize, Tensor? grad_scale=None, Tensor? found_inf=None) -> ()',
);

/** `aten::_fused_adamw_(Tensor(a!)[] self, Tensor(b!)[] grads, Tensor(c!)[] exp_avgs, Tensor(d!)[] exp_avg_sqs, Tensor(e!)[] max_exp_avg_sqs, Tensor[] state_steps, *, float lr, float beta1, float beta2, float weight_decay, float eps, bool amsgrad, bool maximize, Tensor? grad_scale=None, Tensor? found_inf=None) -> ()` */
export function fusedAdamw_(
  self: readonly Tensor[],
  grads: readonly Tensor[],
  expAvgs: readonly Tensor[],
  expAvgSqs: readonly Tensor[],
  maxExpAvgSqs: readonly Tensor[],
  stateSteps: readonly Tensor[],
  options: {
    lr: number;
    beta1: number;
    beta2: number;
    weightDecay: number;
    eps: number;
    amsgrad: boolean;
    maximize: boolean;
    gradScale?: Tensor | null;
    foundInf?: Tensor | null;
  },
): void {
  invoke(
    fusedAdamwInPlaceOp,
    handles(self),
    handles(grads),
    handles(expAvgs),
    handles(expAvgSqs),
    handles(maxExpAvgSqs),
    handles(stateSteps),
    options.lr,
    options.beta1,
    options.beta2,
    options.weightDecay,
    options.eps,
    options.amsgrad,
    options.maximize,
    options.gradScale == null ? undefined : options.gradScale.handle,
    options.foundInf == null ? undefined : options.foundInf.handle,
  );
}

const adamwInOnePassInPlaceOp = new Op(
  'redistill::adamw',
  'redistill::adamw(Tensor(a!)[] params, Tensor(b!)[] grads, Tensor(c!)[] averages, Tensor(d!)[] squares, Tensor(e!)[] copies, int step, float scale, float lr, float beta1, float beta2, float eps, float weight_decay) -> ()',
);

/** `redistill::adamw(Tensor(a!)[] params, Tensor(b!)[] grads, Tensor(c!)[] averages, Tensor(d!)[] squares, Tensor(e!)[] copies, int step, float scale, float lr, float beta1, float beta2, float eps, float weight_decay) -> ()` */
export function adamwInOnePass_(
  params: readonly Tensor[],
  grads: readonly Tensor[],
  averages: readonly Tensor[],
  squares: readonly Tensor[],
  copies: readonly Tensor[],
  step: number,
  scale: number,
  lr: number,
  beta1: number,
  beta2: number,
  eps: number,
  weightDecay: number,
): void {
  invoke(
    adamwInOnePassInPlaceOp,
    handles(params),
    handles(grads),
    handles(averages),
    handles(squares),
    handles(copies),
    step,
    scale,
    lr,
    beta1,
    beta2,
    eps,
    weightDecay,
  );
}

const foreachAddInPlaceOp = new Op(
  'aten::_foreach_add_.List',
  'aten::_foreach_add_.List(Tensor(a!)[] self, Tensor[] other, *, Scalar alpha=1) -> ()',
);

/** `aten::_foreach_add_.List(Tensor(a!)[] self, Tensor[] other, *, Scalar alpha=1) -> ()` */
export function foreachAdd_(
  self: readonly Tensor[],
  other: readonly Tensor[],
  options: { alpha?: number } = {},
): void {
  invoke(foreachAddInPlaceOp, handles(self), handles(other), options.alpha);
}

const foreachAddScalarInPlaceOp = new Op(
  'aten::_foreach_add_.Scalar',
  'aten::_foreach_add_.Scalar(Tensor(a!)[] self, Scalar scalar) -> ()',
);

/** `aten::_foreach_add_.Scalar(Tensor(a!)[] self, Scalar scalar) -> ()` */
export function foreachAddScalar_(self: readonly Tensor[], scalar: number): void {
  invoke(foreachAddScalarInPlaceOp, handles(self), scalar);
}

const foreachMulInPlaceOp = new Op(
  'aten::_foreach_mul_.Tensor',
  'aten::_foreach_mul_.Tensor(Tensor(a!)[] self, Tensor other) -> ()',
);

/** `aten::_foreach_mul_.Tensor(Tensor(a!)[] self, Tensor other) -> ()` */
export function foreachMul_(self: readonly Tensor[], other: Tensor): void {
  invoke(foreachMulInPlaceOp, handles(self), other.handle);
}

const foreachCopyInPlaceOp = new Op(
  'aten::_foreach_copy_',
  'aten::_foreach_copy_(Tensor(a!)[] self, Tensor[] src, bool non_blocking=False) -> ()',
);

/** `aten::_foreach_copy_(Tensor(a!)[] self, Tensor[] src, bool non_blocking=False) -> ()` */
export function foreachCopy_(self: readonly Tensor[], src: readonly Tensor[], nonBlocking?: boolean): void {
  invoke(foreachCopyInPlaceOp, handles(self), handles(src), nonBlocking);
}

const foreachZeroInPlaceOp = new Op('aten::_foreach_zero_', 'aten::_foreach_zero_(Tensor(a!)[] self) -> ()');

/** `aten::_foreach_zero_(Tensor(a!)[] self) -> ()` */
export function foreachZero_(self: readonly Tensor[]): void {
  invoke(foreachZeroInPlaceOp, handles(self));
}

const foreachNormOp = new Op(
  'aten::_foreach_norm.Scalar',
  'aten::_foreach_norm.Scalar(Tensor[] self, Scalar ord=2, ScalarType? dtype=None) -> Tensor[]',
);

/** `aten::_foreach_norm.Scalar(Tensor[] self, Scalar ord=2, ScalarType? dtype=None) -> Tensor[]` */
export function foreachNorm(self: readonly Tensor[], ord?: number, dtype?: Dtype | null): Tensor[] {
  return tensorList(invoke(foreachNormOp, handles(self), ord, code(dtype)));
}

const allReduceInPlaceOp = new Op(
  '_c10d_functional::all_reduce_',
  '_c10d_functional::all_reduce_(Tensor(a!) input, str reduce_op, str group_name) -> Tensor(a!)',
);

/** `_c10d_functional::all_reduce_(Tensor(a!) input, str reduce_op, str group_name) -> Tensor(a!)` */
export function allReduce_(input: Tensor, reduceOp: string, groupName: string): Tensor {
  return wrap(invoke(allReduceInPlaceOp, input.handle, reduceOp, groupName));
}

const allGatherOp = new Op(
  '_c10d_functional::all_gather_into_tensor',
  '_c10d_functional::all_gather_into_tensor(Tensor input, int group_size, str group_name) -> Tensor',
);

/** `_c10d_functional::all_gather_into_tensor(Tensor input, int group_size, str group_name) -> Tensor` */
export function allGather(input: Tensor, groupSize: number, groupName: string): Tensor {
  return wrap(invoke(allGatherOp, input.handle, groupSize, groupName));
}

const reduceScatterOp = new Op(
  '_c10d_functional::reduce_scatter_tensor',
  '_c10d_functional::reduce_scatter_tensor(Tensor input, str reduce_op, int group_size, str group_name) -> Tensor',
);

/** `_c10d_functional::reduce_scatter_tensor(Tensor input, str reduce_op, int group_size, str group_name) -> Tensor` */
export function reduceScatter(input: Tensor, reduceOp: string, groupSize: number, groupName: string): Tensor {
  return wrap(invoke(reduceScatterOp, input.handle, reduceOp, groupSize, groupName));
}

const broadcastInPlaceOp = new Op(
  '_c10d_functional::broadcast_',
  '_c10d_functional::broadcast_(Tensor(a!) input, int src, str group_name) -> Tensor(a!)',
);

/** `_c10d_functional::broadcast_(Tensor(a!) input, int src, str group_name) -> Tensor(a!)` */
export function broadcast_(input: Tensor, src: number, groupName: string): Tensor {
  return wrap(invoke(broadcastInPlaceOp, input.handle, src, groupName));
}

const waitTensorOp = new Op(
  '_c10d_functional::wait_tensor',
  '_c10d_functional::wait_tensor(Tensor tensor) -> Tensor',
);

/** `_c10d_functional::wait_tensor(Tensor tensor) -> Tensor` */
export function waitTensor(tensor: Tensor): Tensor {
  return wrap(invoke(waitTensorOp, tensor.handle));
}
