"""Reference values for the report: what scikit-learn prints and returns.

Writes metrics.json beside this file: for each case the class names, labels and predictions, the text of
classification_report, its output_dict and the confusion matrix.

Run: python make_metrics.py      (needs numpy and scikit-learn)
"""
import json
import os
import warnings

import numpy as np
from sklearn.metrics import classification_report, confusion_matrix

HERE = os.path.dirname(os.path.abspath(__file__))


def cases():
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


def main():
    warnings.simplefilter("ignore")  # of undefined quotients, which become 0
    result = []
    for name, classes, y, predicted in cases():
        every = list(range(len(classes)))
        result.append(
            dict(
                name=name,
                classes=classes,
                labels=[int(i) for i in y],
                predicted=[int(i) for i in predicted],
                text=classification_report(y, predicted, labels=every, target_names=classes),
                dictionary=classification_report(y, predicted, labels=every, target_names=classes, output_dict=True)
                if len(classes) < 100
                else None,
                confusion=confusion_matrix(y, predicted, labels=every).tolist() if len(classes) < 100 else None,
            )
        )
    with open(os.path.join(HERE, "metrics.json"), "w") as file:
        json.dump(result, file, ensure_ascii=False)
        file.write("\n")


if __name__ == "__main__":
    main()
