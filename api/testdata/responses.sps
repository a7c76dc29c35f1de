* Encoding: UTF-8.
* Round 2 of yearly, published 2026-11-22T00:00:00Z.
* What fewer than 10 respondents share is left out; weight is the mean of those who cannot be told apart.
GET DATA
  /TYPE=TXT
  /FILE='yearly-2-responses.csv'
  /ENCODING='UTF8'
  /ARRANGEMENT=DELIMITED
  /FIRSTCASE=2
  /DELIMITERS=","
  /QUALIFIER='"'
  /VARIABLES=
    centre A64
    gender A64
    complete F1.0
    weight F12.6
    easy F8.0
    centre_2 F8.0
    with_1 F8.0
    effort F8.0
    which F8.0
    what_a F8.0
    what_b F8.0
    years F16.4
    day SDATE10
    order_a F8.0
    order_b F8.0
    parts_a F8.0
    parts_b F8.0.
VARIABLE LABELS
  centre
  'Centre'
  /gender
  'Gender'
  /complete
  'Complete'
  /weight
  'Weight'
  /easy
  'Easy?'
  /centre_2
  'How was the centre?'
  /with_1
  'طططططططططططططططططططططططططططططططططططططططططططططططططططططططططططططططططططططططططططططططططططططططططططططططططططط'
  /effort
  'Effort'
  /which
  'Which'
  /what_a
  'What – It''s a'
  /what_b
  'What – ب'
  /years
  'Years'
  /day
  'Day'
  /order_a
  'Order – It''s a'
  /order_b
  'Order – ب'
  /parts_a
  'Parts – It''s a'
  /parts_b
  'Parts – ب'.
VALUE LABELS centre
  'riyadh' 'مركز الرياض'.
VALUE LABELS complete
  1 'Yes'
  0 'No'.
VALUE LABELS easy
  1 'Yes'
  0 'No'.
VALUE LABELS centre_2
  1 'bad'
  5 'good'
  99 'Don’t know'.
VALUE LABELS with_1
  98 'Not asked'.
VALUE LABELS which
  1 'It''s a'
  2 'ب'.
VALUE LABELS what_a
  1 'Yes'
  0 'No'
  99 'Don’t know'.
VALUE LABELS what_b
  1 'Yes'
  0 'No'
  99 'Don’t know'.
VALUE LABELS years
  999 'Don’t know'.
VALUE LABELS parts_a
  99 'Don’t know'.
VALUE LABELS parts_b
  99 'Don’t know'.
MISSING VALUES centre_2 (99).
MISSING VALUES with_1 (98).
MISSING VALUES what_a (99).
MISSING VALUES what_b (99).
MISSING VALUES years (999).
MISSING VALUES parts_a (99).
MISSING VALUES parts_b (99).
WEIGHT BY weight.
EXECUTE.
