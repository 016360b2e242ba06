"""What slabfit evaluate says, and scikit-learn: the report character for character, and all other numbers.

Run: python sklearn_report.py      (slabfit on the PATH; needs scikit-learn 1.7 or newer, numpy and h5py)

Models of 2 to 1,000 classes are trained on features that h5py wrote, with names of classes that are long, not ASCII, or
only numbers, and with classes that are rare, never predicted or absent from the evaluation.  From the labels and the
predictions that slabfit writes, classification_report must give its text, and with output_dict its JSON;
confusion_matrix, log_loss, roc_auc_score, top_k_accuracy_score and brier_score_loss its other numbers, and NumPy the
calibration.
"""
import csv
import json
import warnings

import peers

import h5py
import numpy as np
from sklearn.metrics import (brier_score_loss, classification_report, confusion_matrix, log_loss, roc_auc_score,
                             top_k_accuracy_score)

# Names (None: the file has integer labels without names), shares of the rows, how many of them evaluation has, and
# rows.
CASES = {
    "two classes": (["food", "non_food"], [0.5, 0.5], 2, 173),
    "one class of two": (["food", "non_food"], [0.5, 0.5], 1, 50),
    "three classes": (["a", "b", "c"], [1, 1, 1], 3, 200),
    "five classes": (["bread", "crème brûlée", "a long name", "rice", "soup"], [0.3, 0.2, 0.2, 0.2, 0.1], 5, 173),
    "numbers for names": (None, [0.4, 0.3, 0.3], 3, 173),
    "a class without rows": (["a", "b", "c"], [0.4, 0.3, 0.3], 2, 173),
    "a class that is never predicted": (["common", "usual", "rare"], [0.5, 0.49, 0.01], 3, 173),
    "twelve classes": ([f"class {i}" for i in range(12)], [1] * 12, 12, 300),
    "twelve classes, three without rows": ([f"class {i}" for i in range(12)], [1] * 12, 9, 300),
    "a thousand classes, fifty without rows": ([f"n{i:08}" for i in range(1000)], [1] * 1000, 950, 2500),
}


def write_features(path, names, labels, centres, generator):
    values = np.maximum(centres[labels] + generator.normal(0, 1, (len(labels), centres.shape[1])), 0)
    with h5py.File(path, "w") as file:
        file["features"] = values.astype(np.float32)
        named = names is not None and len(names) < 1000  # more do not fit an HDF5 enum: names of their own, classes
        kind = h5py.enum_dtype({n: i for i, n in enumerate(names)}, basetype="i4") if named else np.int32
        file.create_dataset("labels", data=labels.astype(np.int32), dtype=kind)
        if names is not None and not named:
            file.attrs["format_version"] = 1
            file.attrs["classes"] = np.array(names, "S")


def draw_labels(generator, rows, shares):
    labels = generator.choice(len(shares), rows, p=np.array(shares) / sum(shares))
    labels[: len(shares)] = range(len(shares))  # each at least once
    return labels


class Evaluation:
    """Labels and predictions of the evaluation; slabfit's texts and JSON objects, with --top-k 2 and by default."""

    def __init__(self, folder, names, shares, present, rows, generator):
        centres = generator.normal(0, 0.12 if len(shares) < 10 else 0.25, (len(shares), 400))
        training = draw_labels(generator, max(400, 2 * len(shares)), shares)
        self.labels = draw_labels(generator, rows, shares[:present])
        write_features(f"{folder}/training.h5", names, training, centres, generator)
        write_features(f"{folder}/evaluation.h5", names, self.labels, centres, generator)
        model, file, predictions = (f"{folder}/{name}" for name in ("model.h5", "evaluation.h5", "predictions.csv"))
        effort = "--epochs 3 --lr 0.01" if len(shares) < 10 else "--epochs 20 --lr 0.1 --hidden 64"
        peers.slabfit("train", folder, "-o", model, *effort.split())
        self.text = peers.slabfit("evaluate", model, file, "--predictions", predictions)
        self.found = json.loads(peers.slabfit("evaluate", model, file, "--json"))
        self.top_2 = json.loads(peers.slabfit("evaluate", model, file, "--json", "--top-k", 2))["top_k"]
        with open(predictions, newline="") as lines:
            heading, *rows = csv.reader(lines)
        self.names = heading[3:]
        number = {name: i for i, name in enumerate(self.names)}
        self.predicted = np.array([number[row[2]] for row in rows])
        self.probabilities = np.array([row[3:] for row in rows], np.float32).astype(np.float64)


def same_numbers(ours, theirs):
    """Whether all numbers of THEIRS, a tree of dictionaries and lists, stand in OURS."""
    if isinstance(theirs, dict):
        return all(key in ours and same_numbers(ours[key], value) for key, value in theirs.items())
    if isinstance(theirs, list):
        return len(ours) == len(theirs) and all(map(same_numbers, ours, theirs))
    if theirs is None or np.isnan(theirs):
        return ours is None
    return abs(ours - theirs) < 1e-8  # nine digits are written


def compare_report(results, name, run, every):
    options = dict(labels=every, target_names=run.names)
    expected = classification_report(run.labels, run.predicted, **options)
    numbers = classification_report(run.labels, run.predicted, **options, output_dict=True)
    results.add(run.text.startswith(expected + "\n"), f"{name}: the text (accuracy {numbers['accuracy']:.2f})")
    if not run.text.startswith(expected + "\n"):
        print(f"ours:\n{run.text}\nscikit-learn's:\n{expected}")
    results.add(same_numbers(run.found, numbers), f"{name}: the JSON object")


def compare_confusion(results, name, run, every):
    confusion = confusion_matrix(run.labels, run.predicted, labels=every)
    block = [line.split() for line in run.text.split("\n\n")[-2].split("\n")]  # before the scores
    if len(every) <= 20:
        ok = [line[-len(every):] for line in block[1:]] == confusion.astype(str).tolist()
    else:
        np.fill_diagonal(confusion, 0)
        largest = np.sort(confusion.ravel())[:-21:-1].astype(str).tolist()
        pairs = [confusion[run.names.index(line[0]), run.names.index(line[1])] for line in block]
        ok = [line[2] for line in block] == largest == [str(count) for count in pairs]
        confusion = confusion_matrix(run.labels, run.predicted, labels=every)
    results.add(ok and run.found["confusion_matrix"] == confusion.tolist(), f"{name}: the confusion matrix")


def expected_auc(run, every):
    """A number for two classes; else the averages and all, without classes that have no rows."""
    y, scores = run.labels, run.probabilities
    each = [roc_auc_score(y == i, scores[:, i]) for i in every]
    if len(every) == 2:
        return each[1]
    options = dict(multi_class="ovr", labels=every)
    macro = np.nanmean(each) if np.isnan(each).any() else roc_auc_score(y, scores, average="macro", **options)
    weighted = roc_auc_score(y, scores, average="weighted", **options)
    return {"macro": macro, "weighted": weighted, "classes": dict(zip(run.names, each))}


def calibrate(y, scores):
    """Guo et al. 2017, 15 bins; those of no rows have no means."""
    confidence, right = scores.max(axis=1), scores.argmax(axis=1) == y
    which = np.ceil(confidence * 15) - 1
    members = [which == m for m in range(15)]
    bins = [{"count": int(m.sum()), "confidence": confidence[m].mean(), "accuracy": right[m].mean()} for m in members]
    error = sum(b["count"] / len(y) * abs(b["accuracy"] - b["confidence"]) for b in bins if b["count"])
    return {"ece": error, "bins": bins}


def compare_scores(results, name, run, every):
    y, scores = run.labels, run.probabilities
    auc = expected_auc(run, every)
    results.add(same_numbers(run.found["roc_auc"], auc), f"{name}: ROC AUC")
    if len(every) > 2:
        defaults = [] if len(every) <= 5 else [(5, run.found["top_k"])]
        for k, found in defaults + [(2, run.top_2)]:
            accuracy = top_k_accuracy_score(y, scores, k=k, labels=every)
            results.add(found["k"] == k and abs(found["accuracy"] - accuracy) < 1e-8, f"{name}: top {k}, {accuracy:.4f}")
    brier = brier_score_loss(y, scores[:, 1], pos_label=1) if len(every) == 2 else \
        brier_score_loss(y, scores, labels=every)
    results.add(abs(run.found["brier"] - brier) < 1e-8, f"{name}: the Brier score, {brier:.4f}")
    calibration = calibrate(y, scores)
    results.add(same_numbers(run.found["calibration"], calibration),
                f"{name}: the calibration, an error of {calibration['ece']:.4f}")
    loss = log_loss(y, scores / scores.sum(axis=1, keepdims=True), labels=every)
    results.add(abs(run.found["loss"] / loss - 1) < 1e-5, f"{name}: the loss, {loss:.6g}")


def main():
    warnings.simplefilter("ignore")  # of undefined quotients, which become 0, and of empty bins
    results = peers.Results()
    for name, case in CASES.items():
        with peers.scratch() as folder:
            run = Evaluation(folder, *case, np.random.default_rng(11))
        every = list(range(len(case[1])))
        compare_report(results, name, run, every)
        compare_confusion(results, name, run, every)
        compare_scores(results, name, run, every)
    results.end()


if __name__ == "__main__":
    main()
