"""Writes test/fixtures/trl-options.json: the options of TRL's trainers and of PEFT's LoRA with their defaults, as their
sources have them.

Needs trl==1.16.0, transformers==5.23.0 and peft==0.21.2; reads their files and imports none.
"""

import ast
import importlib.util
import json
import pathlib

CLASSES = {
    "TrainingArguments": "transformers/training_args.py",
    "SFTConfig": "trl/trainer/sft_config.py",
    "DPOConfig": "trl/trainer/dpo_config.py",
    "CPOConfig": "trl/experimental/cpo/cpo_config.py",
    "ORPOConfig": "trl/experimental/orpo/orpo_config.py",
    "KTOConfig": "trl/trainer/kto_config.py",
    "GRPOConfig": "trl/trainer/grpo_config.py",
    "DistillationConfig": "trl/trainer/distillation_config.py",
    "LoraConfig": "peft/tuners/lora/config.py",
}


def default_of(value):
    if not isinstance(value, ast.Call):
        return None if value is None else ast.unparse(value)
    return next((ast.unparse(one.value) for one in value.keywords if one.arg == "default"), None)


def options(path, name):
    tree = ast.parse(path.read_text())
    found = next(node for node in ast.walk(tree) if isinstance(node, ast.ClassDef) and node.name == name)
    fields = [node for node in found.body if isinstance(node, ast.AnnAssign)]
    return {field.target.id: default_of(field.value) for field in fields}


def folder(package):
    return pathlib.Path(importlib.util.find_spec(package).origin).parent.parent


out = pathlib.Path(__file__).parent.parent / "fixtures" / "trl-options.json"
table = {name: options(folder(path.split("/")[0]) / path, name) for name, path in CLASSES.items()}
out.write_text(json.dumps(table, indent=1) + "\n")
