# Computes from respondents what the Go tests computed, by other people's code. Usage: Rscript judge.R respondents.csv population.csv
# prints lines of table, figure, index, value.
suppressPackageStartupMessages(library(survey))
args <- commandArgs(trailingOnly = TRUE)
respondents <- read.csv(args[1])
population <- read.csv(args[2])

put <- function(table, figure, values) cat(sprintf("%d,%s,%d,%.17g\n", table, figure, seq_along(values) - 1L, as.numeric(values)), sep = "")

# All tables are weighted in one go, within each, since a call of survey takes its time whatever it is given.
of <- function(variable) {
	rows <- population[population$variable == variable, ]
	setNames(data.frame(rows$table, rows$level, rows$people), c("table", variable, "Freq"))
}
design <- svydesign(ids = ~1, weights = rep(1, nrow(respondents)), data = respondents)
respondents$poststratified <- weights(postStratify(design, ~table + cell, of("cell")))
respondents$raked <- weights(rake(design, list(~table + a, ~table + b, ~table + c), list(of("a"), of("b"), of("c")),
	control = list(maxit = 100, epsilon = 1e-15, verbose = FALSE)))

for (data in split(respondents, ~table)) {
	table <- data$table[1]
	put(table, "wilson", suppressWarnings(prop.test(sum(data$y), nrow(data), correct = FALSE))$conf.int)

	x <- tapply(data$y, data$a, sum)[1:2]; n <- tapply(data$y, data$a, length)[1:2]
	two <- suppressWarnings(prop.test(x, n, correct = FALSE))
	put(table, "two", c(two$statistic, two$p.value))
	each <- lapply(1:2, function(i) suppressWarnings(prop.test(x[i], n[i], correct = FALSE))$conf.int)
	p <- x / n
	put(table, "newcombe", p[1] - p[2] + c(-sqrt((p[1] - each[[1]][1])^2 + (each[[2]][2] - p[2])^2),
		sqrt((each[[1]][2] - p[1])^2 + (p[2] - each[[2]][1])^2)))

	for (name in c("poststratified", "raked")) {
		w <- data[[name]]
		mean <- svymean(~y, svydesign(ids = ~1, weights = w, data = data))
		put(table, name, w)
		put(table, paste0(name, "_mean"), c(coef(mean), SE(mean)))
		put(table, paste0(name, "_deff"), length(w) * sum(w^2) / sum(w)^2)
	}
}
