"""Names of the methods that predict labels, as tables and figures have them."""

GRAPH = "graph attention"
MAJORITY = "majority"
NEAREST_NEIGHBOURS = "nearest neighbours"
LOGISTIC_REGRESSION = "logistic regression"
PRINCIPAL_COMPONENTS = "logistic regression on principal components"
