-- nothing
/* and /* nothing */ more */
