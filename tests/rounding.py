"""How far two float32 results may lie apart that differ by rounding alone.

A processor chooses the order in which it adds the products of a matrix product, and whether it
fuses multiply and add. A logit here is a sum of up to 1,024 products of order 1; its rounding error
is of the order of sqrt(1024) * 2**-24 = 2e-6 for random signs, and 2.5e-6 was seen between AVX2 and
AVX-512. Five times that leaves room for processors not seen yet, and is far below any change that
a fault would make.
"""

SUMS = 1e-5
