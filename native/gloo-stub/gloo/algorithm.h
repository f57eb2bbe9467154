// Stands in for a Gloo header that c10d includes without naming anything of it.
#pragma once
