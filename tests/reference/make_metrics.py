"""Reference values for evaluate: what scikit-learn prints and returns, and NumPy where it has no such function.

Writes metrics.json beside this file, an object of two lists:
  reports  class names, labels and predictions, the text of classification_report, its output_dict and the confusion
           matrix (for many classes: no entries of single ones, and null)
  scores   labels and probabilities, exact in float32 and with many ties; the ROC AUC of each class against the rest
           (null without rows), macro and weighted; top-k accuracies for k = 2, 3, ...; the Brier score; and by NumPy the
           calibration, [rows, mean confidence, accuracy] of 15 bins, and its expected error

Run: python make_metrics.py      (needs numpy and scikit-learn 1.7 or newer)
"""
import json
import os
import warnings

import numpy as np
from sklearn.metrics import (brier_score_loss, classification_report, confusion_matrix, roc_auc_score,
                             top_k_accuracy_score)

HERE = os.path.dirname(os.path.abspath(__file__))


def report_cases():
    generator = np.random.default_rng(5)

    def noisy(classes, rows, right, true=None, predicted=None):
        y = generator.integers(0, true or classes, rows)
        other = generator.integers(0, predicted or classes, rows)
        return y, np.where(generator.random(rows) < right, np.minimum(y, (predicted or classes) - 1), other)

    yield "two classes", ["non_food", "food"], *noisy(2, 1000, 0.96)
    yield "all right", ["a", "b"], [0, 1, 1], [0, 1, 1]
    yield "all wrong", ["a", "b"], [0, 1, 1], [1, 0, 0]
    yield "never predicted", ["cat", "dog", "emu"], [0, 0, 1, 2, 2, 1], [0, 1, 1, 0, 0, 1]
    yield "without support", ["cat", "dog", "emu"], [0, 0, 1, 1, 0, 1], [0, 2, 1, 0, 0, 1]
    yield "neither", ["cat", "dog", "emu"], [0, 0, 1], [0, 1, 1]
    yield "long names", ["a", "a name longer than 'weighted avg'"], *noisy(2, 77, 0.6)
    yield "UTF-8 names", ["fromage", "crème brûlée", "寿司", "пельмени со сметаной"], *noisy(4, 123, 0.7)
    yield "twelve classes", [f"class {i}" for i in range(12)], *noisy(12, 500, 0.5)
    yield "twelve classes, few rows", [f"{i}" for i in range(12)], *noisy(12, 20, 0.5)
    yield "two hundred classes", [f"{i}" for i in range(200)], *noisy(200, 400, 0.7)
    yield "a thousand classes", [f"{i}" for i in range(1000)], *noisy(1000, 3000, 0.7, 950, 900)


def report(name, classes, y, predicted):
    every, few = list(range(len(classes))), len(classes) < 100
    options = dict(labels=every, target_names=classes)
    dictionary = classification_report(y, predicted, **options, output_dict=True)
    return dict(
        name=name,
        classes=classes,
        labels=[int(i) for i in y],
        predicted=[int(i) for i in predicted],
        text=classification_report(y, predicted, **options),
        dictionary={key: value for key, value in dictionary.items() if few or key not in classes},
        confusion=confusion_matrix(y, predicted, labels=every).tolist() if few else None,
    )


def score_cases():
    generator = np.random.default_rng(7)

    def drawn(classes, rows, parts, right, present=None):
        """Labels, and probabilities in PARTS-ths that favour them."""
        y = generator.integers(0, present or classes, rows)
        weights = generator.dirichlet(np.ones(classes), rows)
        weights = (1 - right) * weights + right * np.eye(classes)[y]
        return y, np.array([generator.multinomial(parts, each) for each in weights]) / parts

    yield "two classes", *drawn(2, 200, 64, 0.2)
    yield "two classes, many ties", *drawn(2, 100, 4, 0.1)
    yield "two classes in order", np.array([0, 0, 1]), np.array([[1, 0], [0.75, 0.25], [0.5, 0.5]])
    yield "all rows are of one class", np.array([1, 1, 1]), np.array([[0.5, 0.5], [0.25, 0.75], [1, 0]])
    yield "three classes", *drawn(3, 150, 16, 0.3)
    yield "a class without rows", *drawn(4, 60, 16, 0.3, 3)
    yield "only one class has rows", *drawn(3, 5, 16, 0.3, 1)
    yield "twelve classes", *drawn(12, 200, 64, 0.02)
    yield "forty classes, few rows", *drawn(40, 60, 64, 0.01)


def number(value):
    return None if np.isnan(value) else float(value)


def calibrate(y, probabilities):
    """Guo et al. 2017: bins (m / 15, (m + 1) / 15] of the confidence."""
    confidence, right = probabilities.max(axis=1), probabilities.argmax(axis=1) == y
    which = np.digitize(confidence, np.linspace(0, 1, 16), right=True) - 1
    bins = [[int((which == m).sum()), number(confidence[which == m].mean()), number(right[which == m].mean())]
            for m in range(15)]
    return bins, sum(rows / len(y) * abs(accuracy - mean) for rows, mean, accuracy in bins if rows)


def score(name, y, probabilities):
    classes = probabilities.shape[1]
    every = np.arange(classes)
    auc = np.array([roc_auc_score(y == i, probabilities[:, i]) for i in every])
    if classes == 2:  # one number, of the second class
        macro = weighted = roc_auc_score(y == 1, probabilities[:, 1])
        top_k, brier = {}, brier_score_loss(y, probabilities[:, 1], pos_label=1)
    else:
        options = dict(multi_class="ovr", labels=every)
        macro = roc_auc_score(y, probabilities, average="macro", **options) if not np.isnan(auc).any() else \
            np.nanmean(auc)  # scikit-learn's is NaN; the mean of those that are numbers
        weighted = roc_auc_score(y, probabilities, average="weighted", **options)
        top_k = {k: top_k_accuracy_score(y, probabilities, k=k, labels=every) for k in range(2, min(classes, 9))}
        brier = brier_score_loss(y, probabilities, labels=every)
    bins, error = calibrate(y, probabilities)
    return dict(
        name=name,
        labels=y.tolist(),
        probabilities=probabilities.tolist(),
        auc=[number(value) for value in auc],
        auc_macro=number(macro),
        auc_weighted=number(weighted),
        top_k=top_k,
        brier=brier,
        bins=bins,
        calibration_error=error,
    )


def main():
    warnings.simplefilter("ignore")  # of undefined quotients, which become 0, and of empty bins
    result = dict(reports=[report(*case) for case in report_cases()], scores=[score(*case) for case in score_cases()])
    with open(os.path.join(HERE, "metrics.json"), "w") as file:
        json.dump(result, file, ensure_ascii=False)
        file.write("\n")


if __name__ == "__main__":
    main()
