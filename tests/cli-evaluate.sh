#!/bin/bash
# slabfit evaluate: the report, the numbers below it, the predictions, and JSON that agree.
. "$(dirname "$0")"/functions.sh || exit 1

# points CLASSES ROWS: points of the plane, the classes side by side in rows of five, and overlapping.
points () {
  for ((i = 0; i < $2; i++)); do
    echo "$((i % $1)),$((i % $1 % 5 + i * 7 % 13 / 10)).$((i * 7 % 10)),$((i % $1 / 5 + i * 5 % 11 / 9)).$((i * 3 % 7))"
  done
}

# make NAME CLASSES ROWS TITLES: NAME/training.h5, NAME/evaluation.h5 and NAME.h5, a model of them.
make () {
  mkdir "$1"
  points "$2" "$3" >training.csv
  points "$2" $(($3 + 51)) | tail -n $(($3 - 9)) | grep -v '^3,' >"$1".csv
  run 0 slabfit import training.csv -o "$1"/training.h5 --classes "$4" -q
  run 0 slabfit import "$1".csv -o "$1"/evaluation.h5 --classes "$4" -q
  run 0 slabfit train "$1" -o "$1".h5 --hidden 8 --epochs 8 --lr 0.05 -q
}

# What evaluate must print and return, from the rows of the predictions alone, by the definitions.
cat >expect.py <<'END'
import csv, json, math, sys
name, k = sys.argv[1], int(sys.argv[2])
with open(name + ".predictions") as file:
    heading, *rows = csv.reader(file)
assert heading[:3] == ["image", "class", "predicted"], heading
names = heading[3:]
assert [row[0] for row in rows] == [str(i) for i in range(len(rows))]
labels = [names.index(row[1]) for row in rows]
assert labels == [int(line.split(",")[0]) for line in open(name + ".csv")]
predicted = [names.index(row[2]) for row in rows]
scores = [[float(text) for text in row[3:]] for row in rows]
n, every = len(rows), range(len(names))
assert all(abs(sum(row) - 1) < 1e-5 and row[p] == max(row) for row, p in zip(scores, predicted))

def quotient(a, b):
    return a / b if b else 0

confusion = [[0] * len(names) for _ in every]
for label, p in zip(labels, predicted):
    confusion[label][p] += 1
support = [sum(row) for row in confusion]
table = []
for i in every:
    right, column = confusion[i][i], sum(row[i] for row in confusion)
    table.append((quotient(right, column), quotient(right, support[i]), quotient(2 * right, column + support[i])))
accuracy = sum(confusion[i][i] for i in every) / n
macro = [sum(line[q] for line in table) / len(names) for q in range(3)]
weighted = [sum(line[q] * s for line, s in zip(table, support)) / n for q in range(3)]

def area(i):
    own = [row[i] for row, label in zip(scores, labels) if label == i]
    rest = [row[i] for row, label in zip(scores, labels) if label != i]
    pairs = [(a > b) + (a == b) / 2 for a in own for b in rest]
    return sum(pairs) / len(pairs) if pairs else None

areas = [area(i) for i in every]
there = [i for i in every if areas[i] is not None]
log_loss = -sum(math.log(row[label]) for row, label in zip(scores, labels)) / n
brier = sum((row[i] - (label == i)) ** 2 for row, label in zip(scores, labels) for i in every) / n
brier = brier / 2 if len(names) == 2 else brier
bins = [[] for _ in range(15)]
for row, label, p in zip(scores, labels, predicted):
    bins[next(m for m in range(15) if row[p] <= (m + 1) / 15 or m == 14)].append((row[p], p == label))
means = [[sum(column) / len(b) for column in zip(*b)] if b else [None, None] for b in bins]
ece = sum(len(b) / n * abs(mean[0] - mean[1]) for b, mean in zip(bins, means) if b)
order = [sorted(every, key=lambda i: (-row[i], -i)) for row in scores]
top_k = sum(label in best[:k] for best, label in zip(order, labels)) / n

text = "%12s" % "" + "  precision    recall  f1-score   support\n\n"
for line, title, count in zip(table, names, support):
    text += "%12s  %9.2f %9.2f %9.2f %9d\n" % (title, *line, count)
text += "\n%12s  %29.2f %9d\n" % ("accuracy", accuracy, n)
for title, averages in (("macro avg", macro), ("weighted avg", weighted)):
    text += "%12s  %9.2f %9.2f %9.2f %9d\n" % (title, *averages, n)
width = max(map(len, names))
if len(names) <= 20:
    cell = max(width, len(str(n)))
    text += "\nconfusion matrix (rows: the class, columns: the prediction)\n\n"
    text += " " * width + "".join("  %*s" % (cell, title) for title in names) + "\n"
    for title, line in zip(names, confusion):
        text += "%*s" % (width, title) + "".join("  %*d" % (cell, count) for count in line) + "\n"
else:
    found = sorted((-confusion[i][j], i, j) for i in every for j in every if i != j and confusion[i][j])
    text += "\nlargest confusions, %d of %d (the class, the prediction, rows)\n\n" % (len(found[:20]), len(found))
    for count, i, j in found[:20]:
        text += "%*s  %*s  %*d\n" % (width, names[i], width, names[j], len(str(-found[0][0])), -count)
text += "\n"
if k:
    text += "top-%d accuracy: %.4f\n" % (k, top_k)
if len(names) == 2:
    text += "ROC AUC of %s: %.4f\n" % (names[1], areas[1])
    auc = areas[1]
else:
    auc = {"macro": sum(areas[i] for i in there) / len(there),
           "weighted": sum(areas[i] * support[i] for i in there) / sum(support[i] for i in there)}
    text += "ROC AUC, each class against the rest: %.4f macro, %.4f weighted" % (auc["macro"], auc["weighted"])
    text += "; left out, without rows: %s\n" % ", ".join(names[i] for i in every if i not in there)
    auc["classes"] = dict(zip(names, areas))
text += "log loss: %.4f\nBrier score: %.4f\n" % (log_loss, brier)
text += "expected calibration error: %.4f (15 bins)\n" % ece
found = open(name + ".report").read()
assert found == text, "\n" + found + "\nis not\n" + text

def same(ours, theirs):
    if isinstance(theirs, dict):
        return list(ours) == list(theirs) and all(same(ours[key], theirs[key]) for key in theirs)
    if isinstance(theirs, list):
        return len(ours) == len(theirs) and all(map(same, ours, theirs))
    return ours is None if theirs is None else abs(ours - theirs) < 1e-6

def row(line, count):
    return dict(zip(("precision", "recall", "f1-score", "support"), (*line, count)))

whole = {title: row(line, count) for title, line, count in zip(names, table, support)}
whole.update({"accuracy": accuracy, "macro avg": row(macro, n), "weighted avg": row(weighted, n),
              "confusion_matrix": confusion, "loss": log_loss, "brier": brier, "roc_auc": auc, "calibration": {
                  "ece": ece, "bins": [{"count": len(b), "confidence": mean[0], "accuracy": mean[1]}
                                       for b, mean in zip(bins, means)]}})
if k:
    whole["top_k"] = {"k": k, "accuracy": top_k}
d = json.load(open(name + ".json"))
assert same(d, whole), json.dumps(d, indent=1) + "\nis not\n" + json.dumps(whole, indent=1)
try:
    from sklearn.metrics import classification_report
except ImportError:
    pass
else:
    assert found.startswith(classification_report(labels, predicted, labels=list(every), target_names=names) + "\n")
END

# evaluates NAME K OPTION...: all that NAME.h5 gives on NAME/evaluation.h5 is as expected.
evaluates () {
  run 0 slabfit evaluate "$1".h5 "$1"/evaluation.h5 --predictions "$1".predictions --force "${@:3}"
  errors </dev/null
  cp out "$1".report
  run 0 slabfit evaluate "$1".h5 "$1"/evaluation.h5 --json "${@:3}"
  errors </dev/null
  cp out "$1".json
  if test -z "$python"; then left_out "the numbers of '$command_line' (no python3)"; return; fi
  PYTHONWARNINGS=ignore "$python" expect.py "$1" "$2" || fail "'$command_line' does not give what its predictions do"
}

# Two classes; seven, of which one has no rows; and more than a table has room for.
make two 2 120 no,yes
evaluates two 0
evaluates two 2 --top-k 2
make seven 7 150 "$(echo {a..g} | tr ' ' ,)"
evaluates seven 5
evaluates seven 2 --top-k 2
evaluates seven 7 --top-k 7
make many 23 230 "$(echo class_{1..23} | tr ' ' ,)"
evaluates many 5

# All rows are of one class: there is no curve.
grep '^0' two.csv >one.csv
run 0 slabfit import one.csv -o one.h5 --classes no,yes -q
run 0 slabfit evaluate two.h5 one.h5
like "ROC AUC: none, as all rows are of one class" "$(grep ROC out)"
run 0 slabfit evaluate two.h5 one.h5 --json
json "d['roc_auc'] is None and d['no']['support'] == len(open('one.csv').readlines())"

# Features of which no probability can be made.
echo '0,1,2' >huge.csv
echo '1,3e38,3e38' >>huge.csv
run 0 slabfit import huge.csv -o huge.h5 --classes no,yes -q
refuses 1 "slabfit evaluate: the probabilities by 'two.h5' of rows 0 to 1 of /features in 'huge.h5' are not numbers: the \
features are too large for the model; use features that were extracted in the same way" \
  slabfit evaluate two.h5 huge.h5 --predictions huge.predictions
absent huge.predictions

refuses 2 "slabfit evaluate: --top-k takes a whole number from 2 to 2147483647, not '1'" \
  slabfit evaluate two.h5 two/evaluation.h5 --top-k 1

# The same predictions again are kept; --force replaces other contents.
head -n 1 two.predictions >said
compare 'head of the predictions' said <<'END'
image,class,predicted,no,yes
END
stat -c '%i %y' two.predictions >before
run 0 slabfit evaluate two.h5 two/evaluation.h5 --predictions two.predictions
stat -c '%i %y' two.predictions >after
same before after
cp two.predictions predictions
echo old >two.predictions
run 0 slabfit evaluate two.h5 two/evaluation.h5 --predictions two.predictions --force
same predictions two.predictions
no_temporary .
