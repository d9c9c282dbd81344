"""Loads each exported folder by its own hymba_model.py and prints how far its logits are from those of case.json."""

import importlib.util
import json
import sys

import torch

torch.set_num_threads(1)
for folder in sys.argv[1:]:
    spec = importlib.util.spec_from_file_location("hymba_model", f"{folder}/hymba_model.py")
    program = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(program)
    with open(f"{folder}.case.json", encoding="utf-8") as file:
        case = json.load(file)
    with torch.inference_mode():
        found = program.load(folder)(torch.tensor(case["ids"])).flatten()
    expected = torch.tensor(case["logits"])
    print(json.dumps({"worst": float((found - expected).abs().max()), "largest": float(expected.abs().max())}))
