"""Reference values for check: cosines by NumPy in float64, and leave-one-out errors of the nearest neighbour by
scikit-learn's KNeighborsClassifier.

Writes checkup.json beside this file: rows of whole numbers, a digit each, with their labels; the pairs that are
near-duplicates; columns that are zero, or the same as an earlier one; the error over all classes, and that of each
pair of them, where near-duplicates are no neighbours.

Run: python make_checkup.py      (needs numpy and scikit-learn)
"""
import itertools
import json
import os

import numpy
from sklearn.neighbors import KNeighborsClassifier

ROWS, COLUMNS, TRAINING, THRESHOLD = 66, 300, 44, 0.9
random = numpy.random.default_rng(7)

# Classes 0 and 1 have the same distribution, class 2 has one of its own.
label = numpy.arange(ROWS) % 3
first, second = random.random(COLUMNS) < 0.3, random.random(COLUMNS) < 0.3
x = random.integers(0, 10, (ROWS, COLUMNS)) * (random.random((ROWS, COLUMNS)) < 0.6)
x *= numpy.where((label == 2)[:, None], second, first)

x[4] //= 3
x[7] = 2 * x[4]  # the same direction, in the same split and class
x[45] = x[3]  # a leak, the same row
x[51] = x[12]  # a leak, changed a little
x[51, numpy.flatnonzero(x[12])[:5]] -= 1
x[20], label[20], label[23] = x[23], 2, 0  # the same with another label
x[47] = x[48] = x[46]
label[47] = label[48] = label[46]
x[30] = 0  # no direction at all
x[:, [5, 260]] = 0
x[:, 281] = x[:, numpy.flatnonzero(first)[3]]
assert x.max() < 10

lengths = numpy.sqrt((x.astype(float) ** 2).sum(1))
with numpy.errstate(invalid="ignore"):
    cosine = (x @ x.T) / lengths[:, None] / lengths[None]
pairs = [(i, j) for i, j in itertools.combinations(range(ROWS), 2) if cosine[i, j] >= THRESHOLD]
near = {frozenset(pair) for pair in pairs}


def errors(classes):
    """Of each of CLASSES: rows, and how many of them have a nearest neighbour of another one of CLASSES."""
    rows = [i for i in range(ROWS) if label[i] in classes and lengths[i] > 0]
    counts = {c: [0, 0] for c in classes}
    for i in rows:
        others = [j for j in rows if j != i and frozenset((i, j)) not in near]
        best = sorted((max(cosine[i, j] for j in others if label[j] == c) for c in classes), reverse=True)
        assert best[0] - best[1] > 1e-6  # no tie, which scikit-learn would decide otherwise
        model = KNeighborsClassifier(1, metric="cosine").fit(x[others], label[others])
        counts[label[i]][0] += 1
        counts[label[i]][1] += int(model.predict(x[[i]])[0] != label[i])
    return counts


whole = errors([0, 1, 2])
judged = []
for a, b in itertools.combinations(range(3), 2):
    counts = errors([a, b])
    judged.append({"classes": [a, b], "rows": [counts[a][0], counts[b][0]],
                   "error": (counts[a][1] / counts[a][0] + counts[b][1] / counts[b][0]) / 2})
expected = {
    "training": TRAINING, "threshold": THRESHOLD, "label": label.tolist(),
    "row": ["".join(map(str, row)) for row in x],
    "pairs": [{"row": [i, j], "cosine": min(cosine[i, j], 1)} for i, j in pairs],
    "zero_columns": int((x == 0).all(0).sum()),
    "repeated_columns": COLUMNS - len(numpy.unique(x, axis=1).T) - int((x == 0).all(0).sum()) + 1,
    "error": sum(c[1] for c in whole.values()) / sum(c[0] for c in whole.values()),
    "classes": judged,
}
with open(os.path.join(os.path.dirname(os.path.abspath(__file__)), "checkup.json"), "w") as file:
    json.dump(expected, file, indent=1)
    file.write("\n")
