"""Trains with TRL as its users would and prints one JSON object with its speed and memory.

    python trl_train.py --objective dpo --dtype bf16 --model DIR --pairs FILE --steps 6 --batch 4 --accumulation 2

Objectives: dpo (reference model in a second forward), dpo-precomputed (reference log-probs scored before training),
simpo (the experimental CPOTrainer with cpo_alpha 0), sft (the chosen answers). FILE holds rows
{"prompt", "chosen", "rejected"} of messages; the first steps x batch x accumulation are used, in file order.

A token is a non-pad token of a row that was trained: for pairs both answers, each with its prompt; for sft the chosen
answer with its prompt. `pair_tokens` counts both answers of the pairs behind the measured steps whatever was trained.
Weights are float32 and bf16 is the trainer's autocast, TRL's default; gradient checkpointing, which trades speed for
memory, is off unless --checkpointing is given. Loading, tokenising and precomputing are not part of the steps.
"""

import argparse
import os
import tempfile
import time

os.environ.setdefault("HF_HUB_OFFLINE", "1")
os.environ.setdefault("TQDM_DISABLE", "1")
os.environ.setdefault("TRL_EXPERIMENTAL_SILENCE", "1")

import torch
from datasets import Dataset
from measure import Steps, finish, read_pairs, versions
from transformers import AutoModelForCausalLM, AutoTokenizer, PrinterCallback, TrainerCallback
from transformers.utils import logging
from trl import DPOConfig, DPOTrainer, SFTConfig, SFTTrainer
from trl.experimental.cpo import CPOConfig, CPOTrainer

parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
parser.add_argument("--objective", choices=["dpo", "dpo-precomputed", "simpo", "sft"], required=True)
parser.add_argument("--dtype", choices=["f32", "bf16"], required=True)
parser.add_argument("--model", required=True)
parser.add_argument("--pairs", required=True)
parser.add_argument("--steps", type=int, default=6)
parser.add_argument("--batch", type=int, default=4)
parser.add_argument("--accumulation", type=int, default=2)
parser.add_argument("--checkpointing", action="store_true")
parser.add_argument("--out")
args = parser.parse_args()
if args.steps < 2:
    parser.error("--steps must be at least 2: the first step is not measured")

logging.disable_progress_bar()
logging.set_verbosity_error()
steps = Steps()


class StepTimer(TrainerCallback):
    def on_train_begin(self, *_, **__):
        steps.begin()

    def on_step_end(self, *_, **__):
        steps.end()


def counting(trainer_class):
    class Counting(trainer_class):
        def training_step(self, model, inputs, *rest, **kwargs):
            if "attention_mask" in inputs:
                steps.add_tokens(inputs["attention_mask"].sum())
            else:  # CPO keeps its two answers apart; each mask covers prompt and answer.
                steps.add_tokens(inputs["chosen_attention_mask"].sum() + inputs["rejected_attention_mask"].sum())
            return super().training_step(model, inputs, *rest, **kwargs)

    return Counting


def pair_lengths(tokenizer, rows):
    def length(messages):
        return len(tokenizer.apply_chat_template(messages, tokenize=True, return_dict=True)["input_ids"])

    return [length(row["prompt"] + row["chosen"]) + length(row["prompt"] + row["rejected"]) for row in rows]


def make_trainer(rows, tokenizer, folder):
    common = dict(
        output_dir=folder,
        use_cpu=True,
        bf16=args.dtype == "bf16",
        per_device_train_batch_size=args.batch,
        gradient_accumulation_steps=args.accumulation,
        max_steps=args.steps,
        gradient_checkpointing=args.checkpointing,
        learning_rate=1e-5,
        lr_scheduler_type="constant",
        train_sampling_strategy="sequential",
        max_length=None,
        report_to=[],
        save_strategy="no",
        logging_steps=1,
        disable_tqdm=True,
        dataloader_pin_memory=False,
    )
    # A path would be read in the directory's own dtype; the masters are float32 as ours are.
    model = AutoModelForCausalLM.from_pretrained(args.model, dtype=torch.float32)
    shared = dict(model=model, processing_class=tokenizer, callbacks=[StepTimer()])
    if args.objective == "sft":
        data = Dataset.from_list([{"prompt": row["prompt"], "completion": row["chosen"]} for row in rows])
        return counting(SFTTrainer)(args=SFTConfig(**common), train_dataset=data, **shared)
    data = Dataset.from_list([{key: row[key] for key in ("prompt", "chosen", "rejected")} for row in rows])
    if args.objective == "simpo":
        # CPO compares lengths with max_length, so it needs a number.
        config = CPOConfig(**{**common, "max_length": 4096}, loss_type="simpo", cpo_alpha=0, beta=2.0, simpo_gamma=1.0)
        return counting(CPOTrainer)(args=config, train_dataset=data, **shared)
    config = DPOConfig(**common, beta=0.1, precompute_ref_log_probs=args.objective == "dpo-precomputed")
    return counting(DPOTrainer)(args=config, train_dataset=data, **shared)


rows = read_pairs(args.pairs, args.steps * args.batch * args.accumulation)
tokenizer = AutoTokenizer.from_pretrained(args.model)
with tempfile.TemporaryDirectory() as folder:
    begin = time.perf_counter()
    trainer = make_trainer(rows, tokenizer, folder)
    trainer.remove_callback(PrinterCallback)
    setup_seconds = time.perf_counter() - begin
    trainer.train()

rows_per_step = args.batch * args.accumulation
result = {
    "peer": "trl",
    "objective": args.objective,
    "dtype": args.dtype,
    "batch": args.batch,
    "accumulation": args.accumulation,
    **steps.summary(),
    "pair_tokens": sum(pair_lengths(tokenizer, rows[rows_per_step:])),
    "setup_seconds": setup_seconds,
    "losses": [record["loss"] for record in trainer.state.log_history if "loss" in record],
    "versions": versions("torch", "transformers", "trl", "accelerate", "datasets"),
}
result["pair_tokens_per_second"] = result["pair_tokens"] / sum(steps.seconds[1:])
finish(result, args.out)
