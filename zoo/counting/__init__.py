"""The parts of `zoo.count`: tracing, costs, receptive fields, output formats and tables of papers."""
