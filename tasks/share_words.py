"""What a bundle says of itself to whoever opens it."""

from configs.sharing import DIGITS, Values


def readme(values: Values, smallest: int) -> str:
    """Return the text of README.txt."""
    numbers = (
        f"Measured and computed numbers are rounded to {DIGITS} significant digits."
        if values == "rounded"
        else "Numbers are exact: whoever has the same data can match them, value by value."
    )
    return _TEXT.format(numbers=numbers, smallest=smallest)


_TEXT = """\
Results of Cairn under pseudonyms
=================================

Start with report.html. ranking.xlsx has the same as a workbook, tables/ and figures/ the parts.

What was done
-------------
- Names of genes, proteins, metabolites, samples, replicate groups, batches, time series, labels and their values,
  targets, families and their members, layers and the study are pseudonyms: HMAC-SHA256 with a secret that is not here.
  The same lab with the same key gives the same pseudonyms, so that its bundles fit together. Two kinds of names with
  the same spelling have different pseudonyms.
- Descriptions, annotation, notes, sentences with names, file names, paths, commands, hashes of inputs, and settings
  that hold names are left out. Page, workbook and figures are drawn anew from the tables that you see; nothing was
  blotted out in a finished file.
- Rows are in an order that says nothing of the original names, and genes of equal score are, too.
- Counts of samples and replicate groups below {smallest} are held back. Groups, batches, series and
  classes with fewer than {smallest} samples are pooled as "fewer than {smallest}", and rows about one of them alone are
  left out: with three replicates a group, the expression by group is not here. Fold plans, single predictions and
  confusion tables are left out, since from them small groups can be put together again.
- {numbers}
- Of likeness to gene families only tenths are given. E-values, bit scores, coverages, lengths and domains are left
  out: with the public proteins of the species they would name the gene.

What can still be inferred
--------------------------
Pseudonyms hide names, not data. Somebody with the public gene catalogue of a species, which they may guess, learns from
this bundle:
- how many genes, metabolites, samples, groups, targets and families there are, and the seed and settings of the run;
  the number of genes alone can tell the species or the version of its annotation;
- the order of the genes by each evidence, correlations, mutual ranks and the graph of co-expressed genes. Where they
  have expression data of the same samples, or of a species whose co-expression is well known, they can match this
  structure and name genes; rounding makes that harder, and does not prevent it. If the data are public already, take
  it that this bundle can be undone;
- which samples are alike, from the maps and from correlations, so also about which are replicates, and times in a time
  series as they were given;
- roughly which genes belong to a family that they can guess from its size, to a tenth of the best likeness;
- by adding up: where all but one evidence of a score is given, the rest follows within rounding.
What is not here in any form: expression and abundance of single genes and metabolites in single samples, sequences,
and the weights of networks.
A bundle is for people whom you trust not to try. It is no anonymisation in the sense of the law: do not take it for one
where samples come from persons.
"""
