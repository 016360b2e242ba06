#include <config.h>

#include "benchtable.h"

#include "../base/memory.h"

#include <inttypes.h>
#include <stdio.h>

/* "256,16" */
static const char *
hidden_text (const struct trainbench_case *measured, char text[48])
{
  if (measured->hidden_count == 1)
    snprintf (text, 48, "%" PRIu64, measured->hidden[0]);
  else
    snprintf (text, 48, "%" PRIu64 ",%" PRIu64, measured->hidden[0], measured->hidden[1]);
  return text;
}

static void
print_case (const struct trainbench_case *measured, const struct trainbench_report *report)
{
  char hidden[48];
  printf ("%6" PRIu64 " %8" PRIu64 " %6s %4.0f%%", measured->rows, report->columns, hidden_text (measured, hidden),
          100 * measured->zeros);
}

static void
print_time (const struct trainbench_time *time, bool faster)
{
  printf (" %5.2f %5.2f%c %5.2f", time->forecast, time->seconds, faster ? '*' : ' ', time->seconds / time->forecast);
}

static void
print_times (const struct trainbench_case *measured, const struct trainbench_report *report)
{
  bool gram = report->gram.seconds < report->sweep.seconds;
  print_case (measured, report);
  printf (" %5" PRIu64, measured->epochs);
  print_time (&report->sweep, !gram);
  print_time (&report->gram, gram);
  printf (" %5s\n", report->gram_taken ? "gram" : "sweep");
}

/* Milliseconds of a pass over the first layer's weights, of which RATE are passed in a second.  */
static double
pass_milliseconds (const struct trainbench_case *measured, const struct trainbench_report *report, double rate)
{
  return 1e3 * (double) report->columns * (double) measured->hidden[0] / rate;
}

/* Terms a second as billions of additions and multiplications.  */
static double
gigaflops (double terms)
{
  return 2e-9 * terms;
}

static double
read_bytes (const struct rates *rates)
{
  return rates->read * sizeof (float);
}

static void
print_rates (const struct trainbench_case *measured, const struct trainbench_report *report)
{
  const struct rates *rates = &report->rates;
  print_case (measured, report);
  printf (" %6.0f %8.1f %7.1f %8.3f %8.3f %9.0f\n", read_bytes (rates) / 1e6, gigaflops (rates->products),
          gigaflops (rates->epochs), pass_milliseconds (measured, report, rates->sweep),
          pass_milliseconds (measured, report, rates->forward), rates->head);
}

void
benchtable_print (const struct trainbench_case *measured, const struct trainbench_report *report, size_t count)
{
  puts ("                                          sweep, s           gram, s\n"
        "  rows features hidden zeros epoch forec  took  ratio forec  took  ratio  auto");
  for (size_t i = 0; i < count; i++)
    print_times (&measured[i], &report[i]);
  puts ("* the faster one\n\n"
        "                              read products  epochs     step  forward      head\n"
        "  rows features hidden zeros  MB/s  GFLOP/s GFLOP/s       ms       ms    rows/s");
  for (size_t i = 0; i < count; i++)
    print_rates (&measured[i], &report[i]);
}

static json_t *
rates_json (const struct trainbench_case *measured, const struct trainbench_report *report)
{
  const struct rates *rates = &report->rates;
  return json_pack ("{s:f, s:f, s:f, s:f, s:f, s:f, s:f, s:f, s:f}", "read", read_bytes (rates), "pack", rates->pack,
                    "products", gigaflops (rates->products) * 1e9, "epochs", gigaflops (rates->epochs) * 1e9, "step_ms",
                    pass_milliseconds (measured, report, rates->sweep), "forward_ms",
                    pass_milliseconds (measured, report, rates->forward), "head", rates->head, "draw", rates->draw,
                    "memory", rates->memory);
}

static json_t *
time_json (const struct trainbench_time *time)
{
  return json_pack ("{s:f, s:f}", "forecast", time->forecast, "seconds", time->seconds);
}

static json_t *
case_json (const struct trainbench_case *measured, const struct trainbench_report *report)
{
  char hidden[48];
  return json_pack ("{s:I, s:I, s:s, s:f, s:I, s:o, s:o, s:s, s:o}", "rows", (json_int_t) measured->rows, "columns",
                    (json_int_t) report->columns, "hidden", hidden_text (measured, hidden), "zeros", measured->zeros,
                    "epochs", (json_int_t) measured->epochs, "sweep", time_json (&report->sweep), "gram",
                    time_json (&report->gram), "auto", report->gram_taken ? "gram" : "sweep", "rates",
                    rates_json (measured, report));
}

json_t *
benchtable_json (const struct trainbench_case *measured, const struct trainbench_report *report, size_t count)
{
  json_t *cases = json_array ();
  for (size_t i = 0; i < count; i++)
    json_array_append_new (cases, case_json (&measured[i], &report[i]));
  return json_pack ("{s:{s:o}, s:o, s:I}", "rates", "train", rates_json (&measured[0], &report[0]), "train", cases,
                    "peak_bytes", (json_int_t) memory_peak_resident_bytes ());
}
