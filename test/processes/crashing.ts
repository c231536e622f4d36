// A program that ends at once with an error.
process.stderr.write('the disk is full\n')
process.exitCode = 3
