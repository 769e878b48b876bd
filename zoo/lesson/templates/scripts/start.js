// Starts what is interactive. Without scripts the page has the same text, questions and answers.

for (const part of document.querySelectorAll(".with-script")) part.hidden = false;
for (const part of document.querySelectorAll(".without-script")) part.hidden = true;
const lessonData = JSON.parse(document.getElementById("data").textContent);
document.querySelectorAll("form.quiz").forEach((form) => startQuiz(form, lessonData.grid));
document.querySelectorAll("form.choices").forEach(startChoices);
startPatches(document.getElementById("patches"), lessonData.picture);
startSlidingFilter(document.getElementById("sliding-filter"), lessonData.digit);
startSharing(document.getElementById("sharing"));
startPoolingPlay(document.getElementById("pooling-play"), lessonData.grid);
startMixing(document.getElementById("mixing"), lessonData.picture);
startInception(document.getElementById("inception-volume"), lessonData.inception);
startConvolution(document.getElementById("convolution-form"));
window.live = startLive(document.getElementById("live"), lessonData.live, lessonData.colours);
startGradient(document.getElementById("gradient"), window.live);
