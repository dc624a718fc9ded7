"""Query parameters of CIMI (DSP0263 2.0.0, 4.1.6): $filter, $first, $last, $orderby, $select, $expand, $format."""
