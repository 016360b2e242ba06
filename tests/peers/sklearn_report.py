"""The report of slabfit evaluate and scikit-learn's classification_report, character for character.

Run: python sklearn_report.py      (slabfit on the PATH; needs scikit-learn, numpy and h5py)

Models are trained on features that h5py wrote, with names of classes that are long, not ASCII, or only numbers, and
with classes that are rare, never predicted or absent from the evaluation.  --json is compared with output_dict, the
confusion matrix with confusion_matrix, and the loss with log_loss of the predictions.
"""
import csv
import json
import warnings

import peers

import h5py
import numpy as np
from sklearn.metrics import classification_report, confusion_matrix, log_loss

# Names (None: the file has integer labels without names), shares of the rows, and how many of them evaluation has.
CASES = {
    "two classes": (["food", "non_food"], [0.5, 0.5], 2),
    "five classes": (["bread", "crème brûlée", "a long name", "rice", "soup"], [0.3, 0.2, 0.2, 0.2, 0.1], 5),
    "numbers for names": (None, [0.4, 0.3, 0.3], 3),
    "a class without rows": (["a", "b", "c"], [0.4, 0.3, 0.3], 2),
    "a class that is never predicted": (["common", "usual", "rare"], [0.5, 0.49, 0.01], 3),
}


def write_features(path, names, labels, centres, generator):
    values = np.maximum(centres[labels] + generator.normal(0, 1, (len(labels), centres.shape[1])), 0)
    with h5py.File(path, "w") as file:
        file["features"] = values.astype(np.float32)
        kind = np.int32 if names is None else h5py.enum_dtype({n: i for i, n in enumerate(names)}, basetype="i4")
        file.create_dataset("labels", data=labels.astype(np.int32), dtype=kind)


def draw_labels(generator, rows, shares):
    labels = generator.choice(len(shares), rows, p=np.array(shares) / sum(shares))
    labels[: len(shares)] = range(len(shares))  # each at least once
    return labels


def evaluate(folder, names, shares, present, generator):
    """Labels and predictions of the evaluation, slabfit's text and its JSON."""
    centres = generator.normal(0, 0.12, (len(shares), 400))
    training, evaluation = draw_labels(generator, 400, shares), draw_labels(generator, 173, shares[:present])
    write_features(f"{folder}/training.h5", names, training, centres, generator)
    write_features(f"{folder}/evaluation.h5", names, evaluation, centres, generator)
    model, file, predictions = (f"{folder}/{name}" for name in ("model.h5", "evaluation.h5", "predictions.csv"))
    peers.slabfit("train", folder, "-o", model, "--epochs", 3, "--lr", 0.01)
    text = peers.slabfit("evaluate", model, file, "--predictions", predictions)
    with open(predictions, newline="") as lines:
        heading, *rows = csv.reader(lines)
    predicted = np.array([heading.index(row[2]) - 3 for row in rows])
    probabilities = np.array([row[3:] for row in rows], np.float64)
    return evaluation, predicted, probabilities, text, json.loads(peers.slabfit("evaluate", model, file, "--json"))


def same_numbers(ours, theirs):
    """Whether all numbers of THEIRS, a tree of dictionaries, stand in OURS."""
    if isinstance(theirs, dict):
        return all(key in ours and same_numbers(ours[key], value) for key, value in theirs.items())
    return abs(ours - theirs) < 1e-8  # nine digits are written


def compare(results, name, case):
    with peers.scratch() as folder:
        y, predicted, probabilities, text, found = evaluate(folder, *case, np.random.default_rng(11))
    names, every = case[0] or [str(i) for i in range(len(case[1]))], list(range(len(case[1])))
    expected = classification_report(y, predicted, labels=every, target_names=names)
    numbers = classification_report(y, predicted, labels=every, target_names=names, output_dict=True)
    results.add(text.startswith(expected + "\n"), f"{name}: the text (accuracy {numbers['accuracy']:.2f})")
    if not text.startswith(expected + "\n"):
        print(f"ours:\n{text}\nscikit-learn's:\n{expected}")
    confusion = confusion_matrix(y, predicted, labels=every)
    shown = [line.split()[-len(every):] for line in text.rstrip("\n").split("\n")[-len(every):]]
    results.add(found["confusion_matrix"] == confusion.tolist() and shown == confusion.astype(str).tolist(),
                f"{name}: the confusion matrix")
    loss = log_loss(y, probabilities / probabilities.sum(axis=1, keepdims=True), labels=every)
    results.add(same_numbers(found, numbers), f"{name}: the JSON object")
    results.add(abs(found["loss"] / loss - 1) < 1e-5, f"{name}: the loss, {loss:.6g}")


def main():
    warnings.simplefilter("ignore")  # of undefined quotients, which become 0
    results = peers.Results()
    for name, case in CASES.items():
        compare(results, name, case)
    results.end()


if __name__ == "__main__":
    main()
